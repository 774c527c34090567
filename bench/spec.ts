import type { PostgresServer } from "../src/postgres/server.js";
import { parseSpecFile } from "../src/spec/parse.js";
import type { PermutationRun } from "../src/spec/run-permutation.js";
import { runSpec, type SpecOptions } from "../src/spec/run.js";
import { exhaustive } from "../src/strategy/exhaustive.js";
import type { Bench, Figure, Setting } from "./bench.js";
import { compare } from "./compare.js";
import { findIsolationtester } from "./isolationtester.js";
import { threeSessions } from "./three-sessions.js";

/**
 * All 1,260 orders of a spec, over the time that isolationtester takes for them on the same server; connections and
 * databases included on both sides.
 */
export const isolationtester: Bench = {
  name: "isolationtester",
  about: "speed over isolationtester's, both running all 1,260 orders of a three-session spec, with the same output",
  async *run(setting) {
    yield await against("all 1,260 orders of a spec", "all", "at least 5", setting);
  },
};

/** The same with one order for all that differ only by steps that commute, as long as every outcome is among them. */
export const exhaustiveSpec: Bench = {
  name: "exhaustive",
  about: "the same speed where raceproof runs one order of each class only, and finds the same outcomes",
  async *run(setting) {
    yield await against("every outcome of the 1,260 orders of a spec", exhaustive, "at least 50", setting);
  },
};

async function against(
  name: string,
  strategy: SpecOptions["strategy"],
  aim: string,
  { server, quick, lanes }: Setting,
): Promise<Figure> {
  const tester = await findIsolationtester();
  if (tester === undefined) return skipped(name);
  const spec = quick ? withoutAuditor(threeSessions) : threeSessions;
  const ours = (strategy: SpecOptions["strategy"]) => runs(server, spec, { name: "three sessions", strategy, lanes });
  const theirs = () => tester.run(server, spec);
  const all = await ours("all");
  requireEqual(all.map(({ text }) => text).join(""), await theirs());
  const few = await ours(strategy);
  requireEqual([...outcomesOf(few)].toSorted().join("\n"), [...outcomesOf(all)].toSorted().join("\n"));
  const comparison = {
    name,
    ours: { name: "raceproof", run: repeated(() => ours(strategy)) },
    theirs: { name: tester.version, run: repeated(theirs) },
    what: "runs",
    aim,
  };
  const figure = await compare(comparison, quick ? 1 : 7, 1);
  const counts = { orders: all.length, executions: few.length, "distinct outcomes": outcomesOf(all).size };
  return { ...figure, details: { ...figure.details, ...counts } };
}

/** What each of the steps came to, whatever their order. */
function outcomesOf(runs: readonly PermutationRun[]): Set<string> {
  return new Set(
    runs.map(({ steps }) => {
      const results = steps.map(({ step, results }) => `${step.step.name} ${JSON.stringify(results)}`);
      return results.toSorted().join("; ");
    }),
  );
}

function skipped(name: string): Figure {
  const note = "skipped: there is no isolationtester (Debian's package postgresql-15 has one)";
  return { name, unit: "ratio", value: undefined, samples: 0, note };
}

/** 35 orders are enough to see that it works. */
function withoutAuditor(spec: string): string {
  return spec.slice(0, spec.indexOf("session auditor"));
}

async function runs(server: PostgresServer, text: string, options: SpecOptions): Promise<PermutationRun[]> {
  const { spec } = parseSpecFile(text, options.name);
  const found: PermutationRun[] = [];
  for await (const run of runSpec(server, spec, options)) found.push(run);
  return found;
}

function requireEqual(ours: string, theirs: string): void {
  const expected = theirs.replace(/^Parsed test spec with \d sessions\n/, "");
  if (ours === expected) return;
  const at = Array.from({ length: ours.length }, (_, i) => i).find((i) => ours[i] !== expected[i]) ?? ours.length;
  const [found, instead] = [ours, expected].map((text) => JSON.stringify(text.slice(at, at + 200)));
  throw new Error(`something else came out than should: ${found} instead of ${instead}`);
}

function repeated(body: () => Promise<unknown>) {
  return async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await body();
  };
}
