import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { serverForFile } from "../support.js";
import { expected, isolationtesters } from "./isolationtester.js";
import { printed } from "./support.js";

const server = serverForFile();
const folder = fileURLToPath(new URL("specs", import.meta.url));
const specs = readdirSync(folder).filter((name) => name.endsWith(".spec"));
const references = isolationtesters();
const missing = "no isolationtester here to compare with: install postgresql-client-15";

describe.skipIf(references.length === 0)(
  `prints what isolationtester prints${references.length === 0 ? ` (${missing})` : ""}`,
  () => {
    for (const reference of references) {
      test.each(specs)(
        `%s, as ${reference.libraries === undefined ? "Debian's" : "the embedded Postgres'"} does`,
        async (name) => {
          const text = readFileSync(path.join(folder, name), "utf8");
          expect(await printed(server(), text)).toBe(await expected(reference, server(), text));
        },
      );
    }

    test("interleavings.spec, on several lanes, too", async () => {
      const text = readFileSync(path.join(folder, "interleavings.spec"), "utf8");
      expect(await printed(server(), text, { lanes: 3 })).toBe(await expected(references[0]!, server(), text));
    });
  },
);
