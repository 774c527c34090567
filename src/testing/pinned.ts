import { postgresOf } from "../check/tell.js";
import { UsageError } from "../errors.js";
import { execute } from "../execution/execution.js";
import type { AnyModel, Isolation } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import { judge } from "../oracle/judge.js";
import { signatureOf } from "../oracle/violation.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { sizeOf } from "../shrink/size.js";
import { Divergence, follow } from "../strategy/follow.js";
import type { Schedule } from "../strategy/schedule.js";
import { version } from "../version.js";
import { withLanes, withServer } from "../with-server.js";

/**
 * Runs a model's only program under one schedule.
 *
 * @returns What broke; undefined when nothing did.
 * @throws {UsageError} When the schedule does not fit the code.
 */
export async function playPinned(
  model: AnyModel,
  schedule: Schedule,
  {
    isolation: asked = "read committed",
    postgres,
  }: { isolation?: Isolation | readonly Isolation[]; postgres?: string },
): Promise<Counterexample | undefined> {
  const [isolation = "read committed"] = [asked].flat();
  const faults = schedule.some(({ fault }) => fault !== undefined);
  const [implementation] = Object.keys(model.implementations) as [string];
  return withServer(
    postgres,
    (server) =>
      withLanes(server, model, 1, async (lanesAt) => {
        const lanes = await lanesAt(isolation);
        const program = programFor(model, schedule);
        const assignment = { model, implementation, program, pool: assignedPool, record: true };
        const executed = await lanes.run((lane) => execute(lane, assignment, follow(schedule))).catch(misfit);
        const violations = judge(model, program, executed);
        if (violations.length === 0) return undefined;
        const size = sizeOf(executed.trace);
        return {
          schema: "raceproof/counterexample@1",
          model: { name: model.name, module: null },
          implementation,
          condition: faults ? (`${isolation}, with faults` as const) : isolation,
          signature: signatureOf(violations),
          violations,
          program,
          schedule: executed.trace.schedule,
          trace: executed.trace,
          seed: "pinned",
          shrink: { from: size, to: size, executions: 0 },
          confirmed: { reproduced: 1, times: 1 },
          environment: { raceproof: version, postgres: postgresOf(server) },
        };
      }),
    true,
  );
}

/** The program in which what the schedule lets go wrong may go wrong. */
function programFor(model: AnyModel, schedule: Schedule) {
  const faults = schedule.flatMap(({ to, fault }) =>
    fault === undefined ? [] : [{ actor: to.replace(/#\d+$/, ""), kind: fault }],
  );
  const [program] = model.examples ?? [];
  if (model.onlyExamples !== true || program === undefined)
    throw new UsageError("a schedule is of one program: in the full form, replay the counterexample's file instead");
  return faults.length === 0 ? program : { ...program, faults };
}

function misfit(error: unknown): never {
  if (!(error instanceof Divergence)) throw error;
  throw new UsageError(
    `the pinned schedule does not fit the code any more: at step ${error.step + 1}, ${error.message}`,
  );
}
