import { beforeAll, expect, test } from "vitest";

import type { Counterexample } from "../../src/index.js";
import { project, stackLine } from "./support.js";

const { run, read, vary, write } = project();

const found = "reports/counter.broken.nothing-is-lost-broken.json";

beforeAll(async () => {
  await run("check", "counter.ts", "-i", "broken", "--executions", "60");
});

/** Numbers of the steps whose text begins like this, as reports count them. */
function steps(text: RegExp): number[] {
  const { trace } = JSON.parse(read(found)) as Counterexample;
  return trace.steps.filter((step) => text.test(step.text)).map(({ index }) => index + 1);
}

test("two steps that conflict", async () => {
  const [first, second] = steps(/^update/);
  const { code, stdout } = await run("explain", found, `${first}`, `${second}`);
  expect(stdout).toMatch(new RegExp(`^step ${first}, .*update counter`));
  expect(stdout).toMatch(/publishes counter\.n|writes counter\.n/);
  expect(stdout).toMatch(/They conflict: both lock rows of counter .*FOR NO KEY UPDATE\.\n$/);
  expect(code).toBe(0);
});

test("two steps that commute, as JSON", async () => {
  const [first, second] = steps(/^select/);
  const { code, stdout } = await run("explain", found, `${second}`, `${first}`, "--json");
  expect(JSON.parse(stdout)).toMatchObject({ file: found, steps: [{ step: second }, { step: first }], reason: null });
  expect(code).toBe(0);
});

test("of a model whose own code makes the tables, and as SQL for who has them", async () => {
  const module = vary("code.ts", 'schema: ({ pool }) => pool.query("create table counter (n integer not null)")');
  const counterexample = { ...(JSON.parse(read(found)) as Counterexample), model: { name: "counter", module } };
  const file = write("code.json", JSON.stringify(counterexample));
  const [first, second] = steps(/^update/);
  const explained = await run("explain", file, `${first}`, `${second}`);
  expect(explained.stdout).toMatch(/They conflict: both lock rows of counter /);
  const { code, stdout } = await run("export", file, "--format", "psql");
  expect(stdout).toContain("needs a database in which the model's own code (its migrations) has made the tables");
  expect(stdout).not.toContain("create table");
  expect(code).toBe(0);
});

test("two steps of one session", async () => {
  const [first] = steps(/^update/);
  const { stdout } = await run("explain", found, `${first}`, `${first}`);
  expect(stdout).toMatch(/They conflict: both are of \S+, which takes them in this order\./);
});

test("a step that is not there", async () => {
  const { code, stderr } = await run("explain", found, "1", "99");
  expect(stderr).toMatch(/there is no step 99; the counterexample has the steps 1 to \d+\n$/);
  expect(stderr).not.toMatch(stackLine);
  expect(code).toBe(2);
});

test("a file that is not there", async () => {
  const { code, stderr } = await run("explain", "nothing.json", "1", "2");
  expect(stderr).toBe("raceproof: there is no file nothing.json\n");
  expect(code).toBe(2);
});
