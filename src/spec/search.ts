import { Footprints, type PendingStep } from "../footprint/footprints.js";
import { tablesInNoOrder } from "../footprint/in-no-order.js";
import type { PostgresServer } from "../postgres/server.js";
import type { About, Strategy } from "../strategy/strategy.js";
import { Benches } from "./benches.js";
import { planOf } from "./plan.js";
import { runPermutation, type Bench, type PermutationRun } from "./run-permutation.js";
import type { SpecOptions } from "./run.js";
import type { SpecFile } from "./spec-file.js";

/** Runs a spec in the orders that a strategy decides on, one after the other in one database. */
export async function* searchSpec(
  server: PostgresServer,
  spec: SpecFile,
  { name, strategy, patience, signal, onEstimate, onSearched }: SpecOptions & { readonly strategy: Strategy },
): AsyncGenerator<PermutationRun> {
  const { reset } = planOf(spec);
  const benches = await Benches.open(server, spec, { name, count: 1, reset, patience });
  const runOne = async <T>(job: (bench: Bench) => Promise<T>): Promise<T> => {
    for await (const result of benches.ordered([job])) return result;
    throw new RangeError("a bench that runs nothing");
  };
  try {
    const search = strategy.search(name, await runOne(aboutSpec));
    for (let next = search.next(); next !== undefined && signal?.aborted !== true; next = search.next()) {
      const scheduler = next;
      const run = await runOne((bench) => runPermutation(bench, scheduler));
      search.learn(run.executed);
      onEstimate?.(search.estimate);
      yield run;
      if (run.failure !== undefined) return;
    }
    onSearched?.(search.exhausted);
  } finally {
    await benches.close();
  }
}

/** What there is to know of the steps: the catalog as setup leaves it, and what the sessions' own setups have done before the first. */
async function aboutSpec({ lane, connections, spec, reset }: Bench): Promise<About> {
  // Without a teardown there would be no setting up again.
  if (reset === undefined && spec.setups.length > 0 && spec.teardown === undefined) return { footprints: undefined };
  if (reset === undefined) for (const sql of spec.setups) await connections.exec(sql);
  const before: [PendingStep, "none" | "open" | "failed"][] = [];
  for (const { name, setup } of spec.sessions) {
    if (setup === undefined) continue;
    await connections.exec(setup, name);
    const step: PendingStep = { actor: name, session: name, kind: "statement", text: setup, values: [] };
    before.push([step, connections.transaction(name)]);
  }
  const catalog = await lane.catalog();
  const shown = tablesInNoOrder(
    spec.sessions.flatMap(({ steps }) => steps.map(({ sql }) => sql)),
    catalog,
  );
  for (const [{ session }] of before) await connections.exec("rollback", session);
  if (reset === undefined && spec.teardown !== undefined) await connections.exec(spec.teardown);
  return {
    footprints: () => {
      const footprints = new Footprints(catalog, "read committed", shown);
      for (const [step, transaction] of before) {
        footprints.sent(step);
        footprints.taken(step, { transaction, outcome: { kind: "rows" }, waited: false });
      }
      return footprints;
    },
  };
}
