import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { isolationtesters } from "../../bench/isolationtester.js";
import { serverForFile } from "../support.js";
import { printed, soon } from "./support.js";

const server = serverForFile();
const folder = fileURLToPath(new URL("specs", import.meta.url));
const specs = readdirSync(folder).filter((name) => name.endsWith(".spec"));
const references = await isolationtesters();
const missing = "no isolationtester here to compare with: install postgresql-client-15";

describe.skipIf(references.length === 0)(
  `prints what isolationtester prints${references.length === 0 ? ` (${missing})` : ""}`,
  () => {
    for (const reference of references) {
      test.each(specs)(`%s, as that of ${reference.from} does`, async (name) => {
        const text = readFileSync(path.join(folder, name), "utf8");
        expect(await printed(server(), text)).toBe(await reference.run(server(), text, soon));
      });
    }

    test("interleavings.spec, on several lanes, too", async () => {
      const text = readFileSync(path.join(folder, "interleavings.spec"), "utf8");
      expect(await printed(server(), text, { lanes: 3 })).toBe(await references[0]!.run(server(), text, soon));
    });
  },
);
