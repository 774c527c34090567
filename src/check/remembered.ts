import type { Lanes } from "../execution/lanes.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import type { Program } from "../execution/program.js";
import { explore, type Failure } from "../explore/explore.js";
import type { RememberedReport } from "../explore/verdict.js";
import { signatureOf } from "../oracle/violation.js";
import { replay } from "../shrink/confirm.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { exhaustive } from "../strategy/exhaustive.js";

/** A counterexample that was found before, and the file it is kept in. */
export interface Remembered {
  readonly file: string;
  readonly counterexample: Counterexample;
}

/** What a remembered counterexample has come to. */
export interface Recalled {
  readonly remembered: Remembered;
  readonly state: RememberedReport["state"];
  /** In a few words, how that is known. */
  readonly note: string;
  /** Where it breaks in another way, or along other steps: failures to be looked into like any that are found. */
  readonly failures: readonly Failure[];
}

/** Executions of a program whose steps are no longer those of the record, to find out whether it still breaks. */
const executionsToTell = 400;

/**
 * Replays a remembered counterexample. Where the code has changed so much that its steps are no longer those of the
 * record, the orders of its program are run instead: if none of them breaks, the bug is fixed whatever the steps are.
 */
export async function recall(
  lanes: Lanes,
  model: AnyModel,
  remembered: Remembered,
  signal?: AbortSignal,
): Promise<Recalled> {
  const { counterexample } = remembered;
  const { implementation, program } = counterexample;
  const missing = missingIn(model, program);
  if (missing !== undefined)
    return { remembered, state: "diverged", note: `the model has no ${missing} any more`, failures: [] };
  const assignment = { model, implementation, program, pool: assignedPool, record: false };
  const outcome = await replay(lanes, assignment, counterexample);
  if (outcome.kind === "reproduced")
    return { remembered, state: "breaks", note: "the same steps, broken in the same way", failures: [] };
  if (outcome.kind === "diverged") return alongOtherSteps(lanes, model, remembered, outcome.difference.step, signal);
  const { trace, violations } = outcome;
  if (violations.length === 0)
    return { remembered, state: "fixed", note: "the same steps, and every invariant holds", failures: [] };
  const note = `the same steps, but broken in another way: ${signatureOf(violations)}`;
  return { remembered, state: "breaks", note, failures: [{ execution: -1, program, trace, violations }] };
}

/** What a program runs and the model does not have. */
export function missingIn({ operations }: AnyModel, program: Program): string | undefined {
  const call = program.actors
    .flatMap((actor) => actor.operations)
    .find(({ operation }) => !Object.hasOwn(operations, operation));
  return call === undefined ? undefined : `operation "${call.operation}"`;
}

async function alongOtherSteps(
  lanes: Lanes,
  model: AnyModel,
  remembered: Remembered,
  step: number,
  signal: AbortSignal | undefined,
): Promise<Recalled> {
  const { implementation, program } = remembered.counterexample;
  const { coverage, failures, problems } = await explore({
    lanes,
    model,
    implementation,
    faults: (program.faults ?? []).length > 0,
    programs: [program],
    strategy: exhaustive,
    seed: "",
    budget: { executions: executionsToTell },
    signal,
  });
  const place = `differs from the record at step ${step + 1}`;
  if (failures.length > 0) {
    const signatures = failures.map(({ violations }) => signatureOf(violations)).join(" / ");
    return { remembered, state: "breaks", note: `${place}, and its program still breaks: ${signatures}`, failures };
  }
  const { executions, exhausted } = coverage;
  if (exhausted.programs > 0)
    return {
      remembered,
      state: "fixed",
      note: `${place}; all orders of its program hold, in ${executions} executions`,
      failures,
    };
  const reason =
    [...problems.keys()][0] ?? `nothing broke in ${executions} executions of its program, which has more orders`;
  return { remembered, state: "diverged", note: `${place}; ${reason}`, failures };
}

/** What a report says of it. */
export function rememberedReport({
  remembered: { file, counterexample },
  state,
  note,
  failures,
}: Recalled): RememberedReport {
  const { implementation, condition, signature } = counterexample;
  const asRecorded = state === "breaks" && failures.length === 0;
  return { file, implementation, condition, signature, state, asRecorded, note };
}
