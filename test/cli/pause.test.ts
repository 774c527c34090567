import { execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";

import { project, serversOf, type Ran } from "./support.js";

const { folder, run } = project();
const main = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const found = "reports/counter.broken.nothing-is-lost-broken.json";

beforeAll(async () => {
  await run("check", "counter.ts", "-i", "broken", "--executions", "60");
});

interface Paused {
  readonly process: ReturnType<typeof spawn>;
  readonly ended: Promise<Ran>;
  /** Resolves to all that it said once it has said this. */
  readonly says: (what: RegExp) => Promise<string>;
  readonly type: (text: string) => void;
}

function pause(...args: string[]): Paused {
  const child = spawn(process.execPath, [main, "replay", found, ...args], { cwd: folder });
  let stdout = "";
  let stderr = "";
  let look: () => void = () => undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<Ran>((resolve) => {
    child.once("close", (code, signal) => resolve({ code: signal ?? code, stdout, stderr }));
  });
  const says = (what: RegExp) =>
    new Promise<string>((resolve, reject) => {
      look = () => void (what.test(stdout) && resolve(stdout));
      look();
      void ended.then(() => reject(new Error(`ended without saying ${what}: ${stdout}${stderr}`)));
    });
  return { process: child, ended, says, type: (text) => void child.stdin.write(text) };
}

function hasPsql(): boolean {
  try {
    execFileSync("psql", ["--version"]);
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!hasPsql())(
  "the command that it prints shows the state at that moment, and nothing of what is not committed",
  async () => {
    const { says, type, ended } = pause("--pause-at", "6");
    const said = await says(/paused before step 6: bob: commit\n.*\n.*quit/);
    const command = /look at it with: (.*)/.exec(said)![1]!;
    const look = () => execFileSync("sh", ["-c", `${command} -At`], { encoding: "utf8" }).trim();
    expect(look()).toBe("0");
    type("step\n");
    await says(/paused before step 7/);
    expect(look()).toBe("1");
    type("continue\n");
    const { code, stdout } = await ended;
    expect(stdout).toContain("reproduced: 1 of 1");
    expect(code).toBe(0);
  },
);

test("what is typed: steps, what is not understood, and the end", async () => {
  const { says, type, ended } = pause("--pause-at", "1");
  await says(/paused before step 1: alice: begin/);
  type("s\n\nwhat?\n");
  await says(/paused before step 3/);
  type("quit\n");
  const { code, stdout, stderr } = await ended;
  expect(stdout).toMatch(/ 1 {2}alice: begin\n[^]* 2 {2}alice: select n from counter → 1 row: n=0\n/);
  expect(stdout).not.toContain("reproduced");
  expect(stderr).toMatch(/not understood: what\?; step \(s, Enter\), continue \(c\) or quit \(q\)/);
  expect(code).toBe(0);
});

test("nobody there to type: it goes on", async () => {
  const { process: child, ended } = pause("--pause-at", "3");
  child.stdin!.end();
  const { code, stdout } = await ended;
  expect(stdout).toMatch(/paused before step 3[^]*reproduced: 1 of 1/);
  expect(code).toBe(0);
});

test("Ctrl-C leaves nothing behind", async () => {
  const { process: child, says, ended } = pause("--pause-at", "4");
  await says(/paused before step 4/);
  expect(serversOf(child.pid)).toHaveLength(1);
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(serversOf(child.pid)).toEqual([]);
});

test.each([
  [["--pause-at", "99"], /there is no step 99 to pause at; the record has the steps 1 to 8/],
  [["--pause-at", "2", "--times", "3"], /goes neither with --json nor with --times/],
  [["--pause-at", "x"], /must be a whole number, at least 1/],
])("%j", async (flags, says) => {
  const { code, stderr } = await run("replay", path.join(folder, found), ...flags);
  expect(stderr).toMatch(says);
  expect(code).toBe(2);
});
