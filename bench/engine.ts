import pg from "pg";
import model from "../models/dashboard-sync/model.js";
import { execute, type Assignment } from "../src/execution/execution.js";
import { Lanes } from "../src/execution/lanes.js";
import type { Program } from "../src/execution/program.js";
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
  async *run({ server, quick, lanes }) {
    for (const count of [1, lanes]) yield await efficiency(server, count, quick);
  },
};

async function efficiency(server: PostgresServer, laneCount: number, quick: boolean): Promise<Figure> {
  const lanes = await Lanes.open(server, model, laneCount);
  const assignment: Assignment = { model, implementation: "legacy", program, pool: new pg.Pool(), record: false };
  const run = () => lanes.run((lane) => execute(lane, assignment, follow(schedule)));
  // The first may open connections.
  await run();
  const sent = await overheard(run);
  const rivals = await Promise.all(Array.from({ length: laneCount }, () => Rival.open(server, sent)));
  try {
    const name = `engine efficiency, ${laneCount} ${laneCount === 1 ? "lane" : "lanes"}`;
    const side = { name: "raceproof", run: (times: number) => shared(times, laneCount, run) };
    const comparison = {
      ours: [{ name, side, aim: "at least 0.8" }],
      theirs: { name: "plain pg", run: (times: number) => shared(times, laneCount, (lane) => rivals[lane]!.run()) },
      what: "executions",
    };
    const [figure] = await (quick ? compare(comparison, 1, 20) : compare(comparison, 9, 500));
    return figure!;
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

/** A statement as it went to Postgres. */
interface Sent {
  readonly connection: unknown;
  readonly query: Pick<pg.QueryConfig<unknown[]>, "text" | "values" | "name">;
}

/** All that one execution sends, whoever sends it, in the order in which it does. */
async function overheard(run: () => Promise<unknown>): Promise<Sent[]> {
  const sent: Sent[] = [];
  const { prototype } = pg.Query as unknown as { prototype: Sent["query"] & { submit(connection: unknown): unknown } };
  const original = Object.getOwnPropertyDescriptor(prototype, "submit")!;
  const submit = original.value as (this: typeof prototype, connection: unknown) => unknown;
  prototype.submit = function (this: typeof prototype, connection) {
    const { text, values, name } = this;
    sent.push({
      connection,
      query: { text, ...(values === undefined ? {} : { values }), ...(name === undefined ? {} : { name }) },
    });
    return submit.call(this, connection);
  };
  try {
    await run();
    return sent;
  } finally {
    Object.defineProperty(prototype, "submit", original);
  }
}

/** Plain connections that send what an execution sent. */
class Rival {
  readonly #clients: ReadonlyMap<unknown, pg.Client>;
  readonly #sent: readonly Sent[];

  private constructor(clients: ReadonlyMap<unknown, pg.Client>, sent: readonly Sent[]) {
    this.#clients = clients;
    this.#sent = sent;
  }

  static async open(server: PostgresServer, sent: readonly Sent[]): Promise<Rival> {
    const { connection } = await server.createDatabase();
    const clients = new Map<unknown, pg.Client>();
    for (const each of new Set(sent.map(({ connection }) => connection))) {
      const client = new pg.Client(connection);
      await client.connect();
      clients.set(each, client);
    }
    await clients
      .values()
      .next()
      .value!.query(model.schema as string);
    return new Rival(clients, sent);
  }

  async run(): Promise<void> {
    for (const { connection, query } of this.#sent) await this.#clients.get(connection)!.query(query);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.end()));
  }
}
