import pLimit from "p-limit";
import type { Catalog } from "../footprint/catalog.js";
import type { PostgresServer } from "../postgres/server.js";
import { hearCrashes } from "../session/crash.js";
import { installClock } from "../session/install-clock.js";
import { hearSockets } from "../session/sockets.js";
import { noteBackground } from "../session/uncontrolled.js";
import { Lane, type LaneOptions } from "./lane.js";
import type { AnyModel, Isolation } from "./model.js";

export interface LanesOptions extends Omit<LaneOptions, "isolation"> {
  /** A server for each lane, where they are to have nothing to do with each other. */
  readonly servers?: readonly PostgresServer[];
}

/** Several lanes with the same schema; each runs one execution at a time. */
export class Lanes {
  readonly #free: Lane[];
  readonly #all: readonly Lane[];
  readonly #limit;
  #catalog: Promise<Catalog> | undefined;
  #shared = false;

  /** What transactions of the code under test begin with that do not say otherwise. */
  readonly isolation: Isolation;

  private constructor(lanes: readonly Lane[], isolation: Isolation) {
    this.isolation = isolation;
    this.#all = lanes;
    this.#free = [...lanes];
    this.#limit = pLimit(1);
  }

  /**
   * @param count How many; the executions that can be under way at once.
   * @param options What else is to differ from what code under test is run on.
   */
  static async open(
    server: PostgresServer,
    model: AnyModel,
    count: number,
    isolation: Isolation = "read committed",
    { servers, ...options }: LanesOptions = {},
  ): Promise<Lanes> {
    const opened = await Promise.allSettled(
      Array.from({ length: count }, (_, i) => Lane.open(servers?.[i] ?? server, model, { isolation, ...options })),
    );
    const lanes = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const failed = opened.find((result) => result.status === "rejected");
    if (failed !== undefined) {
      await Promise.allSettled(lanes.map((lane) => lane.close()));
      throw failed.reason;
    }
    noteBackground();
    hearCrashes();
    hearSockets();
    installClock();
    return new Lanes(lanes, isolation);
  }

  /** What the catalog says of the model's schema; read once. */
  catalog(): Promise<Catalog> {
    this.#catalog ??= this.run((lane) => lane.catalog());
    return this.#catalog;
  }

  get count(): number {
    return this.#all.length;
  }

  /**
   * Runs `body` on the next lane that is free. One at a time where a library keeps clients in a pool of its own: all lanes
   * share that pool, and who waits for a client in it would depend on what goes on elsewhere. The first execution tells.
   */
  run<T>(body: (lane: Lane) => Promise<T>): Promise<T> {
    return this.#limit(async () => {
      const lane = this.#free.pop()!;
      try {
        return await body(lane);
      } finally {
        this.#free.push(lane);
        const { keepsClients, used } = lane.connections;
        this.#shared ||= keepsClients;
        if (this.#shared) this.#limit.concurrency = 1;
        else if (used) this.#limit.concurrency = this.count;
      }
    });
  }

  /** Runs numbered jobs on all lanes, and yields the results in the order of the numbers. */
  async *ordered<T>(jobs: Iterable<(lane: Lane) => Promise<T>>): AsyncGenerator<T> {
    const iterator = jobs[Symbol.iterator]();
    const underway: Promise<T>[] = [];
    const begin = () => {
      const next = iterator.next();
      if (next.done === true) return;
      const job = this.run(next.value);
      // Its turn to be awaited comes later; until then a failure is not unhandled.
      job.catch(() => undefined);
      underway.push(job);
    };
    try {
      for (let i = 0; i < this.count * 4; i++) begin();
      for (let job = underway.shift(); job !== undefined; job = underway.shift()) {
        const result = await job;
        begin();
        yield result;
      }
    } finally {
      await Promise.allSettled(underway);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#all.map((lane) => lane.close()));
  }
}
