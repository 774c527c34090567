import { fc, yieldPoint, type OperationContext, type Thrown } from "../../src/index.js";
import { isLostConnectionMessage } from "../dashboard-sync/implementations/repeat.js";
import { operations as traffic, type Parameters as Traffic } from "../dashboard-sync/operations.js";
import type { MigrationInitial } from "./initial.js";
import { phases } from "./phases.js";
import type { Rollout } from "./rollout.js";
import type { World } from "./world.js";

type Context = OperationContext<MigrationInitial, Rollout, World>;

/** The traffic that goes on meanwhile. */
const kept = ["deliver", "redeliver", "retry", "view run"] as const;

// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no index signature
export type Parameters = Pick<Traffic, (typeof kept)[number]> & { "next step": Record<string, never> };

/** An operation of the system itself, by the code that is deployed to the actor when it begins. */
function byDeployedCode<Name extends (typeof kept)[number]>(name: Name) {
  const operation = traffic[name];
  return {
    ...operation,
    // An invariant of its own tells of it.
    expectedError: (error: Thrown) => namesWhatIsGone(error) || operation.expectedError?.(error) === true,
    run: async (context: Context, parameters: Traffic[Name]): Promise<unknown> => {
      const { world, actor, initial, implementation } = context;
      // A process that takes up something new has by then been deployed, or has not.
      await yieldPoint("take up");
      const version = world.deployedTo(actor) ?? implementation.deployed[initial.phase];
      world.begins(actor, version);
      try {
        return await operation.run({ ...context, implementation: version, world: world.queue }, parameters as never);
      } finally {
        world.ends(actor);
      }
    },
  };
}

/** Whether a statement named a column that there is no more. */
export function namesWhatIsGone({ code }: Thrown): boolean {
  return code === "42703";
}

/** The migration goes from the phase that it is in to the next. */
const nextStep = {
  parameters: fc.constant({}),
  describe: () => "next step of the migration",
  run: async ({ world, implementation }: Context): Promise<string> => {
    const from = world.phase;
    if (from === "done") return "nothing is left to do";
    const putOff = await implementation.steps[from](world);
    if (typeof putOff === "string") return putOff;
    world.phase = phases[phases.indexOf(from) + 1]!;
    return `from "${from}" to "${world.phase}"`;
  },
  expectedError: (error: Thrown) => namesWhatIsGone(error) || isLostConnectionMessage(error.message),
};

export const operations = {
  deliver: byDeployedCode("deliver"),
  redeliver: byDeployedCode("redeliver"),
  retry: byDeployedCode("retry"),
  "view run": byDeployedCode("view run"),
  "next step": nextStep,
};

export const actors = {
  "worker A": ["redeliver", "deliver"],
  "worker B": ["redeliver", "deliver"],
  user: ["retry"],
  dashboard: ["view run"],
  operator: ["next step"],
} as const satisfies Readonly<Record<string, readonly (keyof Parameters)[]>>;
