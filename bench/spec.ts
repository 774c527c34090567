import type { PostgresServer } from "../src/postgres/server.js";
import { parseSpecFile } from "../src/spec/parse.js";
import { runSpec, type SpecOptions } from "../src/spec/run.js";
import type { Bench, Figure } from "./bench.js";
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
  async *run({ server, quick, lanes }) {
    const name = "all 1,260 orders of a spec";
    const tester = await findIsolationtester();
    if (tester === undefined) {
      yield skipped(name);
      return;
    }
    const spec = quick ? withoutAuditor(threeSessions) : threeSessions;
    const ours = () => printed(server, spec, { name: "three sessions", strategy: "all", lanes });
    const theirs = () => tester.run(server, spec);
    requireEqual(await ours(), await theirs());
    const comparison = {
      name,
      ours: { name: "raceproof", run: repeated(ours) },
      theirs: { name: tester.version, run: repeated(theirs) },
      what: "runs",
      aim: "at least 5",
    };
    yield await compare(comparison, quick ? 1 : 7, 1);
  },
};

function skipped(name: string): Figure {
  const note = "skipped: there is no isolationtester (Debian's package postgresql-15 has one)";
  return { name, unit: "ratio", value: undefined, samples: 0, note };
}

/** 35 orders are enough to see that it works. */
function withoutAuditor(spec: string): string {
  return spec.slice(0, spec.indexOf("session auditor"));
}

async function printed(server: PostgresServer, text: string, options: SpecOptions): Promise<string> {
  const { spec } = parseSpecFile(text, options.name);
  const texts: string[] = [];
  for await (const run of runSpec(server, spec, options)) texts.push(run.text);
  return texts.join("");
}

function requireEqual(ours: string, theirs: string): void {
  const body = theirs.slice(theirs.indexOf("\n") + 1);
  if (ours === body) return;
  const at = Array.from({ length: ours.length }, (_, i) => i).find((i) => ours[i] !== body[i]) ?? ours.length;
  throw new Error(
    `we print something else than isolationtester: ${JSON.stringify(ours.slice(at, at + 200))} instead of ${JSON.stringify(body.slice(at, at + 200))}`,
  );
}

function repeated(body: () => Promise<unknown>) {
  return async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await body();
  };
}
