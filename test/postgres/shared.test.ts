import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { serverAccount } from "../../src/postgres/identity.js";
import { sharedKey } from "../../src/postgres/run-directory.js";
import { runDirectories, sweepDirectories } from "../../src/postgres/sweep.js";

const open = fileURLToPath(new URL("../../dist/src/postgres/open.js", import.meta.url));
// Tests in another folder share another server.
const cwd = mkdtempSync(path.join(os.tmpdir(), "raceproof-shared-"));
afterAll(() => rmSync(cwd, { recursive: true }));

/** A process that uses the shared server until it is told to end, or killed. */
function user(): { readonly process: ChildProcess; readonly run: Promise<string> } {
  const script = `
    const { sharedServer } = await import(${JSON.stringify(open)});
    const database = await (await sharedServer("embedded")).createDatabase();
    console.log(database.connection.host);
    process.stdin.on("data", () => process.exit());`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    cwd,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const run = new Promise<string>((resolve) => {
    child.stdout.setEncoding("utf8").once("data", (text: string) => resolve(text.trim()));
  });
  return { process: child, run };
}

function ours(): string[] {
  const account = serverAccount();
  return runDirectories(account)
    .filter(({ run, standing }) => standing === "in use" && sharedKey(run)?.includes(JSON.stringify(cwd)) === true)
    .map(({ run }) => run);
}

test("processes that come at the same time share one server, which outlives the first and ends after the last, killed or not", async () => {
  const users = [user(), user(), user()];
  const runs = await Promise.all(users.map(({ run }) => run));
  expect(new Set(runs).size).toBe(1);
  expect(ours()).toEqual([runs[0]]);

  users[0]!.process.kill("SIGKILL");
  users[1]!.process.kill("SIGKILL");
  await sweepDirectories(serverAccount());
  await sleep(100);
  const later = user();
  expect(await later.run).toBe(runs[0]);

  users[2]!.process.kill("SIGKILL");
  later.process.stdin!.write("end");
  // It waits two seconds for another user.
  for (const until = Date.now() + 15_000; ours().length > 0 && Date.now() < until; await sleep(100));
  expect(ours()).toEqual([]);
});
