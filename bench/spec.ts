import type { PostgresServer } from "../src/postgres/server.js";
import { parseSpecFile } from "../src/spec/parse.js";
import type { PermutationRun } from "../src/spec/run-permutation.js";
import { runSpec, type SpecOptions } from "../src/spec/run.js";
import { exhaustive } from "../src/strategy/exhaustive.js";
import type { Bench, Figure, Setting } from "./bench.js";
import { compare } from "./compare.js";
import { isolationtesters } from "./isolationtester.js";
import { serializable, withWaits } from "./three-sessions.js";

/**
 * All 1,260 orders of a spec, and every outcome of them by one order for all that differ only by steps that commute, over
 * the time that isolationtester takes for all on the same server; connections and databases included on both sides.
 */
export const isolationtester: Bench = {
  name: "isolationtester",
  about: "speed over isolationtester's, of three-session specs: all 1,260 orders, and one of each class",
  async *run(setting) {
    yield* against("at READ COMMITTED, with lock waits", withWaits, setting);
    yield* against("at SERIALIZABLE, without any", serializable, setting);
  },
};

async function* against(which: string, text: string, { server, quick, lanes }: Setting): AsyncGenerator<Figure> {
  const [tester] = await isolationtesters();
  if (tester === undefined) return yield skipped(which);
  const spec = quick ? withoutAuditor(text) : text;
  const ours = (strategy: SpecOptions["strategy"]) => runs(server, spec, { name: "three sessions", strategy, lanes });
  const theirs = () => tester.run(server, spec);
  const all = await ours("all");
  requireEqual(all.map(({ text }) => text).join(""), await theirs());
  const few = await ours(exhaustive);
  requireEqual([...outcomesOf(few)].toSorted().join("\n"), [...outcomesOf(all)].toSorted().join("\n"));
  const challenge = (name: string, strategy: SpecOptions["strategy"], aim: string) => {
    const side = { name: "raceproof", run: repeated(() => ours(strategy)) };
    return { name: `${name} of a spec ${which}`, side, aim };
  };
  const comparison = {
    ours: [
      challenge("all 1,260 orders", "all", "at least 5"),
      challenge("every outcome of the 1,260 orders", exhaustive, "at least 50"),
    ],
    theirs: { name: tester.version, run: repeated(theirs) },
    what: "runs",
    isWarm: true,
  };
  const figures = await compare(comparison, quick ? 1 : 4, 1);
  for (const [at, { length: executions }] of [all, few].entries()) {
    const counts = { orders: all.length, executions, "distinct outcomes": outcomesOf(all).size };
    yield { ...figures[at]!, details: { ...figures[at]!.details, ...counts } };
  }
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

function skipped(which: string): Figure {
  const note = "skipped: there is no isolationtester (Debian's package postgresql-15 has one)";
  return { name: `a spec ${which}`, unit: "ratio", value: undefined, samples: 0, note };
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
