import fc, { type Arbitrary, type AsyncCommand, type Command } from "fast-check";
import type { Pool } from "pg";
import { UsageError } from "../errors.js";
import type { EmptyDatabase, Model } from "../execution/model.js";
import { underTest } from "./race.js";

/** A command of fast-check's, of either kind. */
type AnyCommand<M extends object, R> = Command<M, R> | AsyncCommand<M, R, boolean>;

/** What commands share in one execution. */
export interface CommandWorld<M, R> {
  readonly model: M;
  readonly real: R;
}

/** Commands of fast-check's that several actors run at the same time. */
export interface CommandRace<M extends object, R> {
  readonly name: string;
  /** As in a model. */
  readonly schema: string | ((database: EmptyDatabase) => unknown);
  /** `fc.commands([…])`, as it is. */
  readonly commands: Arbitrary<Iterable<AnyCommand<M, R>>>;
  /** The model and the real system, anew for each execution; every actor's commands work with the same two. */
  readonly setup: (context: { readonly pool: Pool }) => CommandWorld<M, R> | Promise<CommandWorld<M, R>>;
  /** Who runs commands. Default: `a` and `b`. */
  readonly actors?: readonly string[];
  /** How many commands one actor runs at most. Default: 2. */
  readonly commandsPerActor?: number;
  /** What must hold in the end, besides what commands assert while they run. */
  readonly invariants?: Readonly<Record<string, (world: CommandWorld<M, R> & { readonly pool: Pool }) => unknown>>;
  /** As in a model. */
  readonly state?: Readonly<Record<string, string>>;
}

/** One command: which one of those that a seed leads to. Commands are no plain data, and so cannot be written to a file. */
interface Reference {
  readonly seed: number;
  readonly at: number;
}

/** How many commands there are to choose from for one program. */
const most = 20;

/**
 * A model whose operations are fast-check's commands: each one that is run is an operation of its own, with `check` before
 * and `run` as it is. An assertion that fails in `run` is a violation. What a command does to the model counts when it
 * does it: as `run` may be interleaved with others at every statement, the model had better be changed next to the
 * statement that changes the real system.
 */
export function modelOfCommands<M extends object, R>(
  race: CommandRace<M, R>,
): Model<number, undefined, { current: CommandWorld<M, R> | undefined }, { command: Reference }> {
  const { actors = ["a", "b"], commandsPerActor, state, invariants = {} } = race;
  const find = finder(race.commands);
  const described = ({ seed, at }: Reference) => String(find(seed)[at]);
  return {
    name: race.name,
    schema: race.schema,
    implementations: { [underTest]: { create: () => undefined } },
    initial: fc.integer().filter((seed) => find(seed).length > 0),
    seed: () => ({}),
    world: () => ({ current: undefined }),
    setup: async ({ pool, world }) => {
      world.current = await race.setup({ pool });
    },
    operations: {
      command: {
        parameters: (seed: number) => {
          const at = fc.nat({ max: find(seed).length - 1 });
          return fc.record({ seed: fc.constant(seed), at });
        },
        describe: described,
        run: async ({ world }, reference) => {
          const { model, real } = world.current!;
          const command = find(reference.seed)[reference.at];
          if (command === undefined)
            throw new UsageError(`the commands of model "${race.name}" are not what they were`);
          if (await command.check(model)) await command.run(model, real);
        },
      },
    },
    actors: Object.fromEntries(actors.map((actor) => [actor, ["command"]])),
    ...(commandsPerActor === undefined ? {} : { operationsPerActor: commandsPerActor }),
    ...(state === undefined ? {} : { state }),
    invariants: Object.fromEntries(
      Object.entries(invariants).map(([name, look]) => [
        name,
        {
          look: ({ pool, world }: { pool: Pool; world: { current: CommandWorld<M, R> | undefined } }) =>
            look({ ...world.current!, pool }),
        },
      ]),
    ),
  };
}

/** The commands that a seed leads to; made once. */
function finder<M extends object, R>(
  commands: CommandRace<M, R>["commands"],
): (seed: number) => readonly AnyCommand<M, R>[] {
  const known = new Map<number, readonly AnyCommand<M, R>[]>();
  return (seed) => {
    const found = known.get(seed) ?? [...fc.sample(commands, { seed, numRuns: 1 })[0]!].slice(0, most);
    if (known.size < 1_000) known.set(seed, found);
    return found;
  };
}
