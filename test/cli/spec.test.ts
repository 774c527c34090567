import { expect, test } from "vitest";

import { project, stackLine } from "./support.js";

const { run, write, read, counterexamples } = project();

const pair = `
setup { CREATE TABLE t (v int); INSERT INTO t VALUES (0); }
teardown { DROP TABLE t; }
session s1
step u1 { BEGIN; UPDATE t SET v = v + 1 RETURNING v; }
step c1 { COMMIT; }
session s2
step u2 { UPDATE t SET v = v * 10 RETURNING v; }
`;

write("all.spec", pair);
write("one.spec", `${pair}permutation u1 u2 c1`);

test("a summary, by default, of the permutations that are listed, or of all", async () => {
  const { code, stdout, stderr } = await run("spec", "one.spec", "all.spec");
  expect(stderr).toBe("");
  expect(stdout).toMatch(
    /^one\.spec: 2 sessions, 1 permutation, 1 distinct outcome\n {2}waited {6}u2 in 1\n {2}outcome 1 {3}1 permutation, first: u1 u2 c1\nall\.spec: 2 sessions, 3 permutations, 2 distinct outcomes\n/,
  );
  expect(stdout).toMatch(/Postgres \d+\.\d+ \(embedded\)\n$/);
  expect(code).toBe(0);
});

test("--format isolationtester prints what isolationtester prints", async () => {
  const { code, stdout } = await run("spec", "one.spec", "--format", "isolationtester");
  expect(stdout).toBe(`Parsed test spec with 2 sessions

starting permutation: u1 u2 c1
step u1: BEGIN; UPDATE t SET v = v + 1 RETURNING v;
v
-
1
(1 row)

step u2: UPDATE t SET v = v * 10 RETURNING v; <waiting ...>
step c1: COMMIT;
step u2: <... completed>
 v
--
10
(1 row)

`);
  expect(code).toBe(0);
});

test("--strategy all runs what is not listed, too; --json tells everything", async () => {
  const { code, stdout } = await run("spec", "one.spec", "--strategy", "all", "--json");
  const [spec] = (JSON.parse(stdout) as { specs: { summary: unknown; permutations: unknown[] }[] }).specs;
  expect(spec!.summary).toMatchObject({ permutations: 3, impossible: 0, waited: { u2: 1 } });
  expect(spec!.permutations[1]).toEqual({
    permutation: ["u1", "u2", "c1"],
    steps: [
      { step: "u1", session: "s1", waited: false, answers: ["ok", "v=1"] },
      { step: "u2", session: "s2", waited: true, answers: ["v=10"] },
      { step: "c1", session: "s1", waited: false, answers: ["ok"] },
    ],
    cancelled: [],
    complaints: [],
    failure: null,
  });
  expect(code).toBe(0);
});

test("a listed permutation that is impossible is not as expected", async () => {
  write("impossible.spec", `${pair}step x2 { SELECT 1; }\npermutation u1 u2 x2 c1`);
  const { code, stdout } = await run("spec", "impossible.spec");
  expect(stdout).toContain("\n  impossible  1 permutation,");
  expect(code).toBe(1);
});

test("what is wrong with a file is said in one line", async () => {
  write("wrong.spec", "session s\nstep a { SELECT 1; }\npermutation a b");
  expect(await run("spec", "wrong.spec")).toMatchObject({
    code: 2,
    stdout: "",
    stderr: 'raceproof: wrong.spec:3: there is no step "b"; there are: a\n',
  });
  expect(await run("spec", "nowhere.spec")).toMatchObject({
    code: 2,
    stderr: "raceproof: there is no file nowhere.spec\n",
  });
  write("setup.spec", "setup { SELECT 1/0; }\nsession s\nstep a { SELECT 1; }");
  const { code, stderr } = await run("spec", "setup.spec");
  expect(stderr).toBe("raceproof: setup.spec: setup failed: ERROR:  division by zero\n");
  expect(stderr).not.toMatch(stackLine);
  expect(code).toBe(2);
});

test("export writes a counterexample that spec runs", async () => {
  await run("check", "counter.ts", "-i", "broken", "--executions", "60");
  const [file] = counterexamples("reports");
  expect((await run("export", file!, "--output", "race.spec")).code).toBe(0);
  expect(read("race.spec")).toContain("\npermutation s1 s2 ");
  const { code, stdout } = await run("spec", "race.spec", "--format", "isolationtester");
  expect(stdout).toMatch(/step final \w+: [\s\S]*\(1 row\)\n\n$/);
  expect(code).toBe(0);
  expect((await run("export", file!, "--format", "psql")).stdout).toMatch(
    /^-- counter, broken: [\s\S]*\n-- 1\. terminal 1 /,
  );
});
