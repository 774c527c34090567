import type { PostgresServer } from "../../src/postgres/server.js";
import { parseSpecFile } from "../../src/spec/parse.js";
import type { PermutationRun } from "../../src/spec/run-permutation.js";
import { runSpec, type SpecOptions } from "../../src/spec/run.js";

/**
 * For isolationtester: a step that waits for ever is cancelled after two seconds, as ours are. As PGISOLATIONTIMEOUT up to
 * version 15, as twice PG_TEST_TIMEOUT_DEFAULT since.
 */
export const soon = { PGISOLATIONTIMEOUT: "2", PG_TEST_TIMEOUT_DEFAULT: "1" };

/** Runs a spec that is given as text. */
export async function runText(
  server: PostgresServer,
  text: string,
  options: Partial<SpecOptions> = {},
): Promise<PermutationRun[]> {
  const { spec } = parseSpecFile(text, "test.spec");
  const runs: PermutationRun[] = [];
  const all = { name: "test.spec", strategy: "permutations", lanes: 1, patience: 2, ...options } as const;
  for await (const run of runSpec(server, spec, all)) runs.push(run);
  return runs;
}

/** What `--format isolationtester` prints. */
export async function printed(
  server: PostgresServer,
  text: string,
  options: Partial<SpecOptions> = {},
): Promise<string> {
  const { spec } = parseSpecFile(text, "test.spec");
  const runs = await runText(server, text, options);
  return [`Parsed test spec with ${spec.sessions.length} sessions\n`, ...runs.map((run) => run.text)].join("");
}
