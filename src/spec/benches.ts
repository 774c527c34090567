import type { Lane } from "../execution/lane.js";
import { Lanes } from "../execution/lanes.js";
import type { PostgresServer } from "../postgres/server.js";
import { leavesState } from "../session/leaves-state.js";
import { SpecConnections } from "./connections.js";
import { secondsOfPatience } from "./patience.js";
import { modelOf, type Runners } from "./program.js";
import type { Bench } from "./run-permutation.js";
import type { SpecFile } from "./spec-file.js";
import { statementsOf } from "./statements.js";

export interface BenchesOptions {
  /** For messages. */
  readonly name: string;
  readonly count: number;
  /** Whether setup is to run once for each bench, and rows to be put back after each permutation. */
  readonly reset: boolean;
  /** Whether each is to have a server of its own. */
  readonly alone?: boolean;
  /** How long a step may wait before it is cancelled, in seconds. */
  readonly patience: number | undefined;
}

/** Several places where permutations of one spec run, each in a database of its own. */
export class Benches {
  /** The first is somebody else's. */
  readonly #servers: readonly PostgresServer[];
  readonly #spec: SpecFile;
  readonly #lanes: Lanes;
  readonly #options: BenchesOptions;
  readonly #runners: Runners;
  readonly #model;
  readonly #benches = new Map<Lane, Promise<Bench>>();

  private constructor(
    servers: readonly PostgresServer[],
    spec: SpecFile,
    options: BenchesOptions,
    lanes: Lanes,
    model: Bench["model"],
    runners: Runners,
  ) {
    this.#servers = servers;
    this.#spec = spec;
    this.#options = options;
    this.#lanes = lanes;
    this.#model = model;
    this.#runners = runners;
  }

  static async open(server: PostgresServer, spec: SpecFile, options: BenchesOptions): Promise<Benches> {
    const runners: Runners = new WeakMap();
    const model = modelOf(options.name, spec, runners, options.reset ? spec.setups.join("\n;\n") : "");
    // A waiter that a signal or a timeout ends must not be held where it is.
    const freely = textsOf(spec).some(mayInterrupt);
    const servers = options.alone === true ? await serversLike(server, options.count) : [server];
    try {
      const more = { plain: true, freely, ...(options.alone === true ? { servers } : {}) };
      const lanes = await Lanes.open(server, model, options.count, "read committed", more);
      return new Benches(servers, spec, options, lanes, model, runners);
    } catch (error) {
      await stop(servers.slice(1));
      throw error;
    }
  }

  /** Runs numbered jobs on all of them, and yields the results in the order of the numbers. */
  ordered<T>(jobs: Iterable<(bench: Bench) => Promise<T>>): AsyncGenerator<T> {
    const benchOf = (lane: Lane) => this.#bench(lane);
    return this.#lanes.ordered(
      (function* () {
        for (const job of jobs) yield async (lane: Lane) => job(await benchOf(lane));
      })(),
    );
  }

  async close(): Promise<void> {
    for (const bench of this.#benches.values()) {
      await bench.then(
        ({ connections }) => connections.close(),
        () => undefined,
      );
    }
    await this.#lanes.close();
    await stop(this.#servers.slice(1));
  }

  #bench(lane: Lane): Promise<Bench> {
    const bench = this.#benches.get(lane) ?? this.#open(lane);
    this.#benches.set(lane, bench);
    return bench;
  }

  async #open(lane: Lane): Promise<Bench> {
    const spec = this.#spec;
    const connections = await SpecConnections.open(lane, spec);
    const texts = textsOf(spec);
    lane.connections.stateful ||= texts.some((sql) => leavesState.test(sql));
    const interrupts = texts.some(mayInterrupt) || (await connections.haveTimeouts());
    const patience = { seconds: this.#options.patience ?? secondsOfPatience(this.#servers[0]!.version), interrupts };
    const reset = this.#options.reset ? await resetting(lane, spec, connections) : undefined;
    return { lane, connections, spec, model: this.#model, runners: this.#runners, patience, reset };
  }
}

/** The server itself, and others like it. */
async function serversLike(server: PostgresServer, count: number): Promise<PostgresServer[]> {
  const servers = [server];
  try {
    while (servers.length < count && server.another !== undefined) servers.push(await server.another());
    return servers;
  } catch (error) {
    await stop(servers.slice(1));
    throw error;
  }
}

async function stop(servers: readonly PostgresServer[]): Promise<void> {
  await Promise.allSettled(servers.map((server) => server.stop()));
}

function textsOf({ setups, sessions }: SpecFile): string[] {
  const own = sessions.flatMap(({ setup, steps }) => [setup ?? "", ...steps.map(({ sql }) => sql)]);
  return [...setups, ...own];
}

/** Whether SQL may set a timeout that ends a lock wait, or end one by a signal. */
function mayInterrupt(sql: string): boolean {
  return /(?<!deadlock_)timeout|pg_(cancel|terminate)_backend/i.test(sql);
}

/** In bytes, and with much to spare for what rows carry along. */
const page = 6_000;

/** How long the rows are that it writes is not to be read off such a statement, or off a default like that. */
const computes = /\|\||\w\(|\bmerge\b|\binsert\b.*\b(from|table)\b/;
const computedDefault = /\b(default|generated)\b.*(\|\||\w\()/;

/**
 * Deleting is cheaper than truncating, but then rows come to lie behind dead ones. Within a page their order stays what it
 * would be in a new table; tables are truncated before more pages than that are needed, or a page is tidied up.
 */
async function resetting(lane: Lane, spec: SpecFile, connections: SpecConnections): Promise<() => Promise<void>> {
  const every = Math.max(1, Math.floor(page / (await bytesPerExecution(spec, connections))));
  let executions = 0;
  return () => lane.reset(null, executions++ % every === 0);
}

/** @param statement As {@link statementsOf} has it. */
function isWrite(statement: string): boolean {
  return /\b(update|insert|merge)\b/.test(statement);
}

async function bytesPerExecution({ setups, sessions }: SpecFile, connections: SpecConnections): Promise<number> {
  const steps = sessions.flatMap((session) => session.steps.map(({ sql }) => sql));
  const writes = steps.flatMap(statementsOf).filter(isWrite);
  if (writes.some((sql) => computes.test(sql)) || setups.flatMap(statementsOf).some((sql) => computedDefault.test(sql)))
    return Infinity;
  // A new row is as long as its text at most, and what every row has; another version of one is as long as that one, and the text.
  const texts = steps.filter((sql) => statementsOf(sql).some(isWrite)).reduce((sum, sql) => sum + sql.length, 0);
  const inserts = writes.filter((sql) => /\binsert\b/.test(sql)).length;
  return (await connections.bytes()) * (1 + writes.length) + texts + 200 * inserts;
}
