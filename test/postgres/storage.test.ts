import { chmodSync, existsSync, mkdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { expect, test } from "vitest";

import { PostgresError } from "../../src/errors.js";
import { chooseStorage, closedTo, storageFolders } from "../../src/postgres/storage.js";
import { temporaryFolder } from "./support.js";

/** Somebody else, whoever we are. */
const nobody = { name: "nobody", uid: 54_321, gid: 54_321 };

test.runIf(existsSync("/dev/shm"))("memory is preferred where there is some", () => {
  expect(storageFolders()[0]).toBe("/dev/shm");
  expect(chooseStorage({ folders: ["/dev/shm"] }).memory).toBe(true);
});

test("a folder whose path is too long for a unix socket is passed over, and it is said why", () => {
  const long = path.join(temporaryFolder(), "x".repeat(90));
  mkdirSync(long);
  const { folder, passedOver } = chooseStorage({ folders: [long, os.tmpdir()] });
  expect(folder).toBe(os.tmpdir());
  expect(passedOver).toEqual([expect.stringMatching(/x is too long a path: .* 107 bytes/)]);
});

test("a folder that the server's account cannot reach is passed over", () => {
  const closed = path.join(temporaryFolder(), "closed");
  mkdirSync(path.join(closed, "inner"), { recursive: true });
  chmodSync(closed, 0o700);
  expect(closedTo(nobody, path.join(closed, "inner"))).toBe(path.dirname(closed));
  const { folder, passedOver } = chooseStorage({ account: nobody, folders: [path.join(closed, "inner"), "/tmp"] });
  expect(folder).toBe("/tmp");
  expect(passedOver[0]).toMatch(/cannot be reached by the account nobody/);
});

test("no folder at all is one clear error", () => {
  expect(() => chooseStorage({ folders: ["/proc/1/x"] })).toThrow(PostgresError);
  expect(() => chooseStorage({ folders: ["/proc/1/x"] })).toThrow(/Set TMPDIR/);
});
