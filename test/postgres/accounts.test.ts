import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  rmSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { PostgresError } from "../../src/errors.js";
import { describeTree, embeddedBinaries } from "../../src/postgres/binaries.js";
import { serverAccount } from "../../src/postgres/identity.js";
import { openServer } from "../../src/postgres/open.js";
import { closedTo } from "../../src/postgres/storage.js";
import {
  asRoot,
  ask,
  directoryOf,
  inChild,
  isAlive,
  openAndStay,
  patient,
  stopping,
  systemBin,
  temporaryFolder,
  until,
} from "./support.js";

const nobody = { name: "nobody", uid: 65_534, gid: 65_534 };

test("an ordinary user's server runs under that user, root's under postgres or nobody", () => {
  const passwd = path.join(temporaryFolder(), "passwd");
  const account = (lines: string): unknown => {
    writeFileSync(passwd, `root:x:0:0::/root:/bin/sh\n${lines}`);
    return serverAccount(passwd);
  };
  const both = "nobody:x:65534:65533::/:/bin/false\npostgres:x:70:71::/:/bin/sh\n";
  expect(account(both)).toEqual(asRoot ? { name: "postgres", uid: 70, gid: 71 } : undefined);
  expect(account("nobody:x:65534:65533::/:/bin/false\n")).toEqual(
    asRoot ? { name: "nobody", uid: 65_534, gid: 65_533 } : undefined,
  );
});

describe.runIf(asRoot)("as root", () => {
  test(
    "the server runs under an account without rights",
    async () => {
      const server = stopping(await openServer("embedded"));
      expect(statSync(await directoryOf(server)).uid).toBe(serverAccount()!.uid);
    },
    patient.timeout,
  );

  test("says what is missing where there is no account to run it under", () => {
    expect(() => serverAccount("/dev/null")).toThrow(PostgresError);
    expect(() => serverAccount("/dev/null")).toThrow(/useradd/);
  });

  test(
    "binaries that the account cannot reach are copied, and the copy goes away with the server",
    async () => {
      const bin = treeWithoutLinks(closedFolder());
      expect(closedTo(serverAccount()!, bin)).toBeDefined();
      const server = stopping(await openServer(bin));
      const run = await directoryOf(server);
      expect(existsSync(path.join(run, "native", "bin", "postgres"))).toBe(true);
      await server.stop();
      expect(existsSync(run)).toBe(false);
    },
    patient.timeout,
  );

  test.runIf(systemBin)(
    "binaries that the account cannot reach and that cannot be copied are one clear error",
    async () => {
      const bin = path.join(closedFolder(), "bin");
      cpSync(systemBin!, bin, { recursive: true });
      await expect(openServer(bin)).rejects.toThrow(/refuses to run as root, and .* is closed to the account .*chmod/s);
    },
    patient.timeout,
  );
});

const checkoutIsOpen =
  asRoot && closedTo(nobody, embeddedBinaries().bin) === undefined && closedTo(nobody, process.execPath) === undefined;

describe.runIf(checkoutIsOpen)("as an ordinary user", () => {
  const { uid, gid } = nobody;
  let cache: string;
  beforeAll(() => {
    cache = mkdtempSync(path.join(os.tmpdir(), "test-"));
    chownSync(cache, uid, gid);
  });
  afterAll(() => rmSync(cache, { recursive: true }));

  test.each([
    ["without HOME, with a mask that closes everything", { HOME: undefined, MASK: "77" }],
    [
      "with a home that is not there, and with settings for other servers about",
      { HOME: "/nonexistent", PGHOST: "h", PGPORT: "1", PGSSLMODE: "require", PGDATA: "/x", LC_ALL: "tlh" },
    ],
  ])(
    "embedded works %s",
    async (_name, env) => {
      const body = `process.umask(parseInt(process.env.MASK ?? "22", 8));\n${openAndStay}`;
      const child = inChild(body, { uid, gid, cache, env: { ...process.env, XDG_CACHE_HOME: undefined, ...env } });
      const { run, postmaster } = await child.said;
      expect(statSync(run).uid).toBe(uid);
      child.process.kill("SIGKILL");
      await child.ended;
      await until(() => !existsSync(run) && !isAlive(postmaster));
    },
    patient.timeout,
  );

  test(
    "what root left in the same place is left alone",
    async () => {
      const server = stopping(await openServer("embedded"));
      const run = await directoryOf(server);
      const child = inChild(`const server = await openServer("embedded"); await server.stop(); say("done");`, {
        uid,
        gid,
        cache,
      });
      expect(await child.said).toBe("done");
      expect(existsSync(run)).toBe(true);
      await server.createDatabase();
    },
    patient.timeout,
  );
});

describe("without links between libraries", () => {
  test(
    "as when no install scripts have run, the server has them made in its directory, and never in the package",
    async () => {
      const bin = treeWithoutLinks(temporaryFolder());
      expect(describeTree(bin).missingLinks.length).toBeGreaterThan(0);
      const child = inChild(openAndStay, { env: { ...process.env, SPEC: bin } });
      const { run } = await child.said;
      expect(readdirSync(path.join(run, "lib")).length).toBe(describeTree(bin).missingLinks.length);
      // Who removes the directory when we are killed must be able to remove these too.
      child.process.kill("SIGKILL");
      await until(() => !existsSync(run));
    },
    patient.timeout,
  );

  test(
    "the package's own install script makes them too, and then we make none",
    async () => {
      const bin = treeWithoutLinks(temporaryFolder());
      const tree = path.dirname(bin);
      const script = path.join(embeddedBinaries().tree!, "..", "scripts", "hydrate-symlinks.js");
      execFileSync(process.execPath, [script], { cwd: path.dirname(tree) });
      expect(describeTree(bin).missingLinks).toEqual([]);
      const server = stopping(await openServer(bin));
      const { connection } = await server.createDatabase();
      expect(await ask(connection, "select 1 as one")).toEqual([{ one: 1 }]);
    },
    patient.timeout,
  );
});

/** A folder below one that only root may enter. */
function closedFolder(): string {
  const folder = temporaryFolder("/root");
  chmodSync(folder, 0o700);
  return folder;
}

/** The embedded binaries as npm unpacks them, in another place. */
function treeWithoutLinks(parent: string): string {
  const original = embeddedBinaries().tree!;
  const tree = path.join(parent, "package", "native");
  chmodSync(parent, path.dirname(parent) === "/root" ? 0o700 : 0o755);
  mkdirSync(tree, { recursive: true });
  for (const entry of readdirSync(original, { recursive: true, withFileTypes: true })) {
    const from = path.join(entry.parentPath, entry.name);
    const to = path.join(tree, path.relative(original, from));
    mkdirSync(path.dirname(to), { recursive: true });
    if (entry.isFile()) place(from, to);
  }
  return path.join(tree, "bin");
}

/** 60 MB are copied only where they have to be. */
function place(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
