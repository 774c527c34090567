import { chmodSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { expect, test } from "vitest";

import { PostgresError, UsageError } from "../../src/errors.js";
import { directoryBinaries, embeddedBinaries } from "../../src/postgres/binaries.js";
import { openServer } from "../../src/postgres/open.js";
import { runDirectories } from "../../src/postgres/sweep.js";
import { serverAccount } from "../../src/postgres/identity.js";
import { ask, patient, stopping, systemBin, temporaryFolder } from "./support.js";

test.runIf(systemBin)(
  "a directory with initdb and postgres is run like the embedded one",
  async () => {
    const server = stopping(await openServer(systemBin));
    const { connection } = await server.createDatabase();
    const [row] = await ask<{ version: string }>(connection, "select current_setting('server_version') as version");
    expect(row!.version.split(" ")[0]).toBe(server.version);
    expect(server).toMatchObject({ kind: "directory", superuser: true });
    expect(server.description).toBe(`Postgres ${server.version} from ${systemBin}`);
  },
  patient.timeout,
);

test("the folder of an npm package that brings Postgres is as good as that of its programs", () => {
  const { bin, tree } = embeddedBinaries();
  const folder = path.dirname(tree!);
  expect(directoryBinaries(folder)).toEqual(directoryBinaries(bin));
});

test("a directory that is not there, or not one of Postgres, is the user's mistake", async () => {
  await expect(openServer("/no/where")).rejects.toThrow(UsageError);
  await expect(openServer("/no/where")).rejects.toThrow(/\/no\/where: there is no such directory.*pg_config --bindir/s);
  await expect(openServer(os.tmpdir())).rejects.toThrow(/there is no initdb in it/);
});

test("a Postgres that is too old is refused", async () => {
  const bin = fakeBin({ postgres: "echo 'postgres (PostgreSQL) 13.4 (Debian 13.4-1)'" });
  await expect(openServer(bin)).rejects.toThrow(/13\.4 .* too old: raceproof needs Postgres 14 or newer/);
});

test("binaries that cannot be run are one clear error", async () => {
  const bin = fakeBin({ postgres: "echo 'libfoo.so.1: cannot open shared object file' >&2; exit 127" });
  const failure = openServer(bin);
  await expect(failure).rejects.toThrow(PostgresError);
  await expect(failure).rejects.toThrow(/^Cannot run .*postgres.*: libfoo.so.1: cannot open shared object file/);
});

test(
  "a start that fails says the end of the log, and leaves nothing",
  async () => {
    const bin = fakeBin({
      postgres: "echo 'postgres (PostgreSQL) 18.4'",
      initdb: "echo 'initdb: error: no space left on device' >&2; exit 1",
    });
    const before = runDirectories(serverAccount()).map(({ run }) => run);
    const failure = openServer(bin);
    await expect(failure).rejects.toThrow(PostgresError);
    await expect(failure).rejects.toThrow(
      /did not start: exit code 1\. The end of its log:\n {2}initdb: error: no space left/,
    );
    const bystanders = runDirectories(serverAccount()).filter(({ run }) => !before.includes(run));
    // Those of other test files, which run at the same time.
    expect(bystanders.every(({ standing }) => standing === "in use")).toBe(true);
  },
  patient.timeout,
);

/** A directory with shell scripts in the place of programs. */
function fakeBin({ postgres = "exit 0", initdb = "exit 0" }): string {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  for (const [name, body] of Object.entries({ postgres, initdb })) {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
  return folder;
}
