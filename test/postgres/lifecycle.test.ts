import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";

import { expect, test } from "vitest";

import { serverAccount } from "../../src/postgres/identity.js";
import { openServer } from "../../src/postgres/open.js";
import { makeRunDirectory, removeRunDirectory, standing } from "../../src/postgres/run-directory.js";
import { chooseStorage } from "../../src/postgres/storage.js";
import { sweepDirectories } from "../../src/postgres/sweep.js";
import { directoryOf, inChild, isAlive, openAndStay, patient, stopping, temporaryFolder, until } from "./support.js";

/** How long anything may survive a kill -9 of its owner. */
const graceMs = 5000;

test(
  "a program that forgets to stop its server ends, and so does the server",
  async () => {
    const child = inChild(
      `const server = await openServer("embedded"); say((await server.createDatabase()).connection.host);`,
    );
    const run: string = await child.said;
    expect(await child.ended).toEqual({ by: 0, stderr: "" });
    await until(() => !existsSync(run));
  },
  patient.timeout,
);

test.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)(
  "after a %s of the owner neither server nor directory is left",
  async (signal) => {
    const child = inChild(openAndStay);
    const { run, postmaster } = await child.said;
    const began = performance.now();
    child.process.kill(signal);
    expect((await child.ended).by).toBe(signal);
    await until(() => !isAlive(postmaster) && !existsSync(run));
    expect(performance.now() - began).toBeLessThan(graceMs);
  },
  patient.timeout,
);

test.skipIf(process.platform !== "linux")(
  "nor when its backends stood still, as waiters do that are let go one at a time",
  async () => {
    const child = inChild(openAndStay);
    const { run, postmaster } = await child.said;
    const backends = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, "utf8")
      .trim()
      .split(" ")
      .map(Number);
    for (const pid of backends) process.kill(pid, "SIGSTOP");
    const began = performance.now();
    child.process.kill("SIGKILL");
    await until(() => !backends.some(isAlive) && !isAlive(postmaster) && !existsSync(run));
    expect(performance.now() - began).toBeLessThan(graceMs);
  },
  patient.timeout,
);

test(
  "a kill -9 in the middle of a start leaves nothing",
  async () => {
    const child = inChild(`say("begun"); await openServer("embedded");`, {
      env: { ...process.env, XDG_CACHE_HOME: "/proc/none" },
    });
    await child.said;
    await until(() => runsOf(child.process.pid!).length > 0);
    const [run] = runsOf(child.process.pid!);
    child.process.kill("SIGKILL");
    await child.ended;
    await until(() => !existsSync(run!) && guardiansOf(run!).length === 0);
    expect(calledWith(run!)).toEqual([]);
  },
  patient.timeout,
);

test(
  "what is left when the guardian is killed too, the next start ends and removes",
  async () => {
    const leaveBehind = async () => {
      const child = inChild(openAndStay);
      const { run, postmaster } = await child.said;
      // The whole group of the guardian, but for Postgres.
      for (const pid of guardiansOf(run)) if (pid !== postmaster) process.kill(pid, "SIGKILL");
      child.process.kill("SIGKILL");
      await child.ended;
      const left = isAlive(postmaster) && standing(run, serverAccount()) === "left over";
      return { run, postmaster, left };
    };
    // Another file's start, at the same moment, may have been the next one, and ended it already.
    let found = await leaveBehind();
    for (let again = 0; again < 5 && !found.left; again++) found = await leaveBehind();
    const { run, postmaster, left } = found;
    expect(left).toBe(true);
    stopping(await openServer("embedded"));
    await until(() => !isAlive(postmaster) && !existsSync(run));
  },
  patient.timeout,
);

test(
  "sweeping leaves alone what is in use",
  async () => {
    const server = stopping(await openServer("embedded"));
    const run = await directoryOf(server);
    expect(standing(run, serverAccount())).toBe("in use");
    expect(await sweepDirectories(serverAccount())).not.toContain(run);
    await server.createDatabase();
  },
  patient.timeout,
);

test("a pid that is used again is not taken for the owner", () => {
  const run = makeRunDirectory(temporaryFolder());
  expect(standing(run, undefined)).toBe("in use");
  rewriteMarker(run, { started: "another time" });
  expect(standing(run, undefined)).toBe("left over");
});

test("what another user or another container made is not judged", () => {
  const run = makeRunDirectory(temporaryFolder());
  rewriteMarker(run, { pid: 2 ** 30, pidNamespace: "pid:[1]" });
  expect(standing(run, undefined)).toBe("not ours to judge");
  rewriteMarker(run, { uid: 12_345 });
  expect(standing(run, undefined)).toBe("not ours to judge");
});

test("a directory without a marker is given time, as it may be in the making", () => {
  expect(standing(mkdtempSync(path.join(temporaryFolder(), "raceproof-")), undefined)).toBe("in use");
});

test("a directory that is called like ours, and is not, stays, however old it is", async () => {
  const folder = temporaryFolder();
  const project = path.join(folder, "raceproof-trial");
  mkdirSync(project);
  writeFileSync(path.join(project, "package.json"), "{}");
  utimesSync(project, 1, 1);
  const empty = mkdtempSync(path.join(folder, "raceproof-"));
  utimesSync(empty, 1, 1);
  expect(await sweepDirectories(undefined, [folder])).toEqual([empty]);
  expect(existsSync(path.join(project, "package.json"))).toBe(true);
});

test("a leftover that names a foreign process as its server does not get it killed", async () => {
  const bystander = spawn("sleep", ["60"]);
  const run = makeRunDirectory(temporaryFolder());
  mkdirSync(path.join(run, "data"));
  writeFileSync(path.join(run, "data", "postmaster.pid"), `${bystander.pid}\n`);
  await removeRunDirectory(run);
  expect(existsSync(run)).toBe(false);
  expect(isAlive(bystander.pid!)).toBe(true);
  bystander.kill();
});

function rewriteMarker(run: string, change: object): void {
  const file = path.join(run, "owner.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...change }));
}

/** Directories that a process made and that a guardian watches already. */
function runsOf(pid: number): string[] {
  const { folder } = chooseStorage({ account: serverAccount() });
  return readdirSync(folder)
    .filter((name) => name.startsWith("raceproof-"))
    .map((name) => path.join(folder, name))
    .filter((run) => ownerOf(run) === pid && guardiansOf(run).length > 0);
}

function ownerOf(run: string): number | undefined {
  try {
    return JSON.parse(readFileSync(path.join(run, "owner.json"), "utf8")).pid;
  } catch {
    return undefined;
  }
}

/** The guardian of a directory, and the shell that waits for its owner's end. */
function guardiansOf(run: string): number[] {
  return calledWith(run)
    .filter((line) => line.includes("raceproof-guardian"))
    .map((line) => Number.parseInt(line, 10));
}

/** The lines of ps for processes in whose arguments a directory occurs. */
function calledWith(run: string): string[] {
  return execFileSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(run));
}
