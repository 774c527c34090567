import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import pg from "pg";
import { Lane } from "../src/execution/lane.js";
import type { OperationRecord } from "../src/execution/trace.js";
import { judge } from "../src/oracle/judge.js";
import type { PostgresServer } from "../src/postgres/server.js";
import type { Kernel } from "./kernels.js";

/** How long a program may take before it hangs, in milliseconds. */
const patience = 1_000;

/** The program did not come to its end: somebody waits for a lock whose holder is never let go on. */
export class Hang extends Error {
  override readonly name = "Hang";
}

/** How a pool's statements are sent, and how the whole is waited for; as they are, unless somebody interferes. */
export interface Interference {
  readonly query?: (send: (...args: unknown[]) => Promise<unknown>) => (...args: unknown[]) => Promise<unknown>;
  readonly wait?: (all: Promise<unknown>) => Promise<unknown>;
}

/** Runs a kernel's program as an application would run: on pools of plain `pg`, with nothing that decides who is next. */
export class Uncontrolled {
  readonly #kernel: Kernel;
  readonly #lane: Lane;
  readonly #connection: pg.PoolConfig;
  #pool: pg.Pool;

  private constructor(kernel: Kernel, lane: Lane, connection: pg.PoolConfig) {
    this.#kernel = kernel;
    this.#lane = lane;
    this.#connection = connection;
    this.#pool = poolTo(connection);
  }

  static async open(server: PostgresServer, kernel: Kernel): Promise<Uncontrolled> {
    const database = await server.createDatabase();
    // A lane's reset and state queries, in a database that we know.
    const known: PostgresServer = Object.create(server, { createDatabase: { value: async () => database } });
    const lane = await Lane.open(known, kernel.model, { isolation: "read committed" });
    return new Uncontrolled(kernel, lane, database.connection);
  }

  /**
   * @returns Whether something broke.
   * @throws {Hang} When it takes longer than a second.
   */
  async run({ query, wait = (all) => all }: Interference = {}): Promise<boolean> {
    const { model, implementation: name, program } = this.#kernel;
    const { initial } = program;
    await this.#lane.reset(initial);
    const pool = query === undefined ? this.#pool : interfered(this.#pool, query);
    const implementation: unknown = model.implementations[name]!.create({ pool });
    const world: unknown = model.world?.(initial);
    const operations: OperationRecord[] = [];
    const act = async (actor: Kernel["program"]["actors"][number]) => {
      for (const [index, { operation, parameters }] of actor.operations.entries()) {
        const context = { implementation, pool, world, initial, actor: actor.name, call };
        const result = await resultOf(() => model.operations[operation]!.run(context, parameters));
        operations.push({ actor: actor.name, index, operation, parameters, steps: null, result });
      }
    };
    await this.#inTime(wait(Promise.all(program.actors.map(act))));
    const state = ((await this.#lane.state()) ?? {}) as Parameters<typeof judge>[2]["trace"]["state"];
    const trace = { steps: [], operations, schedule: [], state };
    return judge(model, program, { trace, world, implementation, commits: [] }).length > 0;
  }

  async #inTime(ended: Promise<unknown>): Promise<void> {
    const clock = new AbortController();
    const late = sleep(patience, "late", { signal: clock.signal });
    const first = await Promise.race([ended, late]);
    clock.abort();
    late.catch(() => undefined);
    if (first !== "late") return;
    ended.catch(() => undefined);
    await this.#lane.endBackends();
    await this.#pool.end();
    this.#pool = poolTo(this.#connection);
    throw new Hang(`not over after ${patience} ms`);
  }

  async close(): Promise<void> {
    await this.#pool.end();
    await this.#lane.close();
  }
}

function poolTo(connection: pg.PoolConfig): pg.Pool {
  // A deadlock is found as it is, and sooner.
  const pool = new pg.Pool({ ...connection, options: "-c deadlock_timeout=10ms" });
  // Ending a backend that hangs must not end us.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** What `context.call` does where nobody asks. */
function call<T>(_name: string, _parameters: unknown, body: () => Promise<T>): Promise<T> {
  return body();
}

async function resultOf(body: () => Promise<unknown>): Promise<OperationRecord["result"]> {
  try {
    return { returned: ((await body()) ?? null) as never };
  } catch (error) {
    const { name, message, code = null } = error as Error & { code?: string };
    return { threw: { name, message, code } };
  }
}

/** A pool whose statements, and those of its clients, go another way. */
function interfered(pool: pg.Pool, query: NonNullable<Interference["query"]>): pg.Pool {
  const through = (target: { query(...args: unknown[]): Promise<unknown> }) =>
    query((...args) => target.query(...args));
  const client = async () => {
    const own = await pool.connect();
    return { query: through(own), release: () => own.release() };
  };
  return { query: through(pool), connect: client } as unknown as pg.Pool;
}

/** Executions until something broke, side by side as they come; undefined when nothing did. */
export async function byPromiseAll(uncontrolled: Uncontrolled, most: number): Promise<number | undefined> {
  for (let execution = 1; execution <= most; execution++) if (await uncontrolled.run()) return execution;
  return undefined;
}

/**
 * The same with every statement in the hands of fast-check's scheduler, which decides whose answer comes next.
 *
 * @throws {Hang} When it waits for an answer that only comes once somebody else goes on.
 */
export async function byFastCheck(uncontrolled: Uncontrolled, seed: number, most: number): Promise<number | undefined> {
  let hang: Hang | undefined;
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    try {
      return !(await uncontrolled.run({
        query: (send) => scheduler.scheduleFunction((...args) => handled(send(...args))),
        wait: (all) => scheduler.waitFor(all),
      }));
    } catch (error) {
      if (error instanceof Hang) hang = error;
      throw error;
    }
  });
  const { failed, numRuns, errorInstance } = await fc.check(property, { seed, numRuns: most, endOnFailure: true });
  if (hang !== undefined) throw hang;
  if (failed && errorInstance !== undefined && errorInstance !== null && !isBroken(errorInstance)) throw errorInstance;
  return failed ? numRuns : undefined;
}

/** An answer that is an error may be there long before its turn comes, when nobody awaits it yet. */
function handled<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => undefined);
  return answer;
}

/** What fast-check says of a property that returned false. */
function isBroken(error: unknown): boolean {
  return error instanceof Error && error.message === "Property failed by returning false";
}
