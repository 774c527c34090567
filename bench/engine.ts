import pg from "pg";
import model from "../models/dashboard-sync/model.js";
import { execute, type Assignment } from "../src/execution/execution.js";
import { Lanes } from "../src/execution/lanes.js";
import type { Program } from "../src/execution/program.js";
import type { Step } from "../src/execution/trace.js";
import type { PostgresServer } from "../src/postgres/server.js";
import { follow } from "../src/strategy/follow.js";
import type { Bench, Figure } from "./bench.js";
import { compare } from "./compare.js";

const target = { run: 1, partition: 1 };
/** The redelivery race in its smallest form: two switches. */
const program: Program = {
  initial: { runs: [["failed"]] },
  actors: [
    { name: "worker", operations: [{ operation: "redeliver", parameters: { ...target, outcome: "fails" } }] },
    { name: "user", operations: [{ operation: "retry", parameters: target }] },
  ],
};
const schedule = [{ step: 2, to: "user" }];

/**
 * Engine efficiency: executions a second of the redelivery program, over how often plain `pg` can send the very same
 * statements (reset and state queries included), in the same order and on the same number of connections, with nothing
 * between it and Postgres.
 */
export const engine: Bench = {
  name: "engine",
  about:
    "raceproof's speed over that of plain pg, which sends the same statements on the same connections without a gate",
  async run({ server, quick, lanes }) {
    const figures: Figure[] = [];
    for (const count of [1, lanes]) figures.push(await efficiency(server, count, quick));
    return figures;
  },
};

async function efficiency(server: PostgresServer, laneCount: number, quick: boolean): Promise<Figure> {
  const lanes = await Lanes.open(server, model, laneCount);
  const assignment: Assignment = { model, implementation: "legacy", program, pool: new pg.Pool(), record: false };
  const run = () => lanes.run((lane) => execute(lane, assignment, follow(schedule)));
  const { steps, control } = await overheard(run);
  const rivals = await Promise.all(Array.from({ length: laneCount }, () => Rival.open(server, steps, control)));
  try {
    const comparison = {
      name: `engine efficiency, ${laneCount} ${laneCount === 1 ? "lane" : "lanes"}`,
      ours: { name: "raceproof", run: (times: number) => shared(times, laneCount, run) },
      theirs: { name: "plain pg", run: (times: number) => shared(times, laneCount, (lane) => rivals[lane]!.run()) },
      what: "executions",
      aim: "at least 0.8",
    };
    return await (quick ? compare(comparison, 1, 20) : compare(comparison, 9, 500));
  } finally {
    await Promise.all(rivals.map((rival) => rival.close()));
    await lanes.close();
  }
}

/** Runs so many executions on all lanes together. */
async function shared(executions: number, laneCount: number, run: (lane: number) => Promise<unknown>): Promise<void> {
  let left = executions;
  const work = async (lane: number) => {
    while (left-- > 0) await run(lane);
  };
  await Promise.all(Array.from({ length: laneCount }, (_, lane) => work(lane)));
}

interface Control {
  readonly reset: string;
  readonly state: string;
}

/** One execution, and what it sent over its control connection. */
async function overheard(run: () => ReturnType<typeof execute>): Promise<{ steps: readonly Step[]; control: Control }> {
  const sent: string[] = [];
  const original = Object.getOwnPropertyDescriptor(pg.Client.prototype, "query")!;
  const query = original.value as (...args: unknown[]) => unknown;
  Object.defineProperty(pg.Client.prototype, "query", {
    ...original,
    value(this: pg.Client, config: string | { text: string }, ...rest: unknown[]) {
      sent.push(typeof config === "string" ? config : config.text);
      return query.call(this, config, ...rest);
    },
  });
  try {
    const { trace } = await run();
    return {
      steps: trace.steps.filter(({ kind }) => kind === "statement"),
      control: { reset: sent[0]!, state: sent.at(-1)! },
    };
  } finally {
    Object.defineProperty(pg.Client.prototype, "query", original);
  }
}

/** Plain connections that send what an execution sent. */
class Rival {
  readonly #control: pg.Client;
  readonly #actors: ReadonlyMap<string, pg.Client>;
  readonly #steps: readonly Step[];
  readonly #sql: Control;

  private constructor(
    control: pg.Client,
    actors: ReadonlyMap<string, pg.Client>,
    steps: readonly Step[],
    sql: Control,
  ) {
    this.#control = control;
    this.#actors = actors;
    this.#steps = steps;
    this.#sql = sql;
  }

  static async open(server: PostgresServer, steps: readonly Step[], sql: Control): Promise<Rival> {
    const { connection } = await server.createDatabase();
    const connect = async () => {
      const client = new pg.Client(connection);
      await client.connect();
      return client;
    };
    const control = await connect();
    await control.query(model.schema);
    const actors = new Map<string, pg.Client>();
    for (const { session } of steps) if (!actors.has(session)) actors.set(session, await connect());
    return new Rival(control, actors, steps, sql);
  }

  async run(): Promise<void> {
    await this.#control.query(this.#sql.reset);
    for (const { session, text, values } of this.#steps) await this.#actors.get(session)!.query(text, [...values]);
    await this.#control.query({ name: "state", text: this.#sql.state });
  }

  async close(): Promise<void> {
    await Promise.all([this.#control, ...this.#actors.values()].map((client) => client.end()));
  }
}
