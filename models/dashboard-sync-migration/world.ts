import { yieldPoint } from "../../src/index.js";
import { queueOf } from "../dashboard-sync/initial.js";
import type { Queue } from "../dashboard-sync/queue.js";
import type { Version } from "./code/version.js";
import type { MigrationInitial } from "./initial.js";
import type { Phase } from "./phases.js";

/** The processes that run the code, by the actors that they are. */
export const processes = ["dashboard", "user", "worker A", "worker B"] as const;

/** What is deployed where, and how far the rollout is. */
export class World {
  readonly queue: Queue;
  phase: Phase;
  /** Whether a reconciliation has come to its end. */
  reconciled = false;
  /** Whether code has been deployed that does not count any more. */
  countersStopped = false;
  readonly #deployed = new Map<string, Version>();
  readonly #running = new Map<string, Version>();

  constructor(initial: MigrationInitial) {
    this.queue = queueOf(initial);
    this.phase = initial.phase;
  }

  /** What a process runs once it has ended what it is at; undefined where it runs what the rollout began with. */
  deployedTo(process: string): Version | undefined {
    return this.#deployed.get(process);
  }

  /** One process after the other: what one of them is at ends with the code that it began with. */
  async deploy(version: Version, to: readonly string[] = processes): Promise<void> {
    for (const process of to) {
      await yieldPoint(`deploy ${version.name} to ${process}`);
      this.#deployed.set(process, version);
      this.countersStopped ||= !version.counts;
    }
  }

  begins(process: string, version: Version): void {
    this.#running.set(process, version);
  }

  ends(process: string): void {
    this.#running.delete(process);
  }

  /** Who is still at something that it began with such code: found out by looking, a few times. */
  async stillRunning(which: (version: Version) => boolean): Promise<string | undefined> {
    for (let looks = 0; looks < 3; looks++) {
      await yieldPoint("look whether old code still runs");
      const found = [...this.#running].find(([, version]) => which(version));
      if (found === undefined) return undefined;
    }
    return [...this.#running].find(([, version]) => which(version))?.[0];
  }
}
