import { yieldPoint } from "../../src/index.js";

/** What a message asks a worker to do. It is the payload that `worker_runs` keeps for a retry, too. */
export interface WorkItem {
  readonly runId: string;
  readonly partitionId: string;
  /** How many retries went before. Only `fixed` looks at it; the others pass it on as it came. */
  readonly attempt: number;
}

/** Which partition something is about. */
export type PartitionKey = Pick<WorkItem, "runId" | "partitionId">;

/** A message that a worker was given under a lock. */
export interface Delivery {
  readonly item: WorkItem;
  /** How often it has been delivered, this time included. */
  readonly deliveryCount: number;
  /** Tells this delivery from any other of the message. */
  readonly lock: number;
}

/** What waits in the queue to begin with, and how often it has been delivered so far (and given back each time). */
export type Waiting = Pick<Delivery, "item" | "deliveryCount">;

/** What becomes of a message that comes back. */
export type CameBack = "waits again" | "dead-lettered";

interface Message {
  readonly item: WorkItem;
  deliveryCount: number;
  /** The delivery that holds it; undefined while it waits. */
  held: { readonly lock: number; readonly by: string } | undefined;
}

/** Deliveries after which a message that comes back once more is put aside. */
export const maxDeliveryCount = 3;

/**
 * A queue with peek-lock semantics, as Azure Service Bus has them. A delivered message is locked for one receiver, who
 * completes it (it is gone) or abandons it (it comes back, to be delivered again). A lock may expire while the receiver
 * is still at work, and the locks of a receiver whose process died do: the message comes back, and whatever that receiver
 * does with it later has no effect. A message that comes back after its third delivery is dead-lettered. Every call is a
 * step.
 */
export class Queue {
  #messages: Message[];
  #deadLetters: WorkItem[] = [];
  #locks = 0;

  constructor(messages: readonly Waiting[]) {
    this.#messages = messages.map((message) => ({ ...message, held: undefined }));
  }

  async send(item: WorkItem): Promise<void> {
    await yieldPoint(`send work item ${name(item)}`);
    this.#messages.push({ item, deliveryCount: 0, held: undefined });
  }

  /**
   * Locks a waiting message for a partition: the oldest that came back, or the oldest that was never delivered, or one
   * that came back where there is no such.
   *
   * @param by Whoever receives it; its locks end with its process.
   * @returns Undefined when there is none.
   */
  async receive(about: PartitionKey, which: "came back" | "new first", by: string): Promise<Delivery | undefined> {
    await yieldPoint(`receive ${which === "came back" ? "redelivered " : ""}message ${name(about)}`);
    const waiting = this.#messages.filter((message) => message.held === undefined && isFor(message.item, about));
    const again = waiting.find(({ deliveryCount }) => deliveryCount > 0);
    const found = which === "came back" ? again : (waiting.find(({ deliveryCount }) => deliveryCount === 0) ?? again);
    if (found === undefined) return undefined;
    found.deliveryCount++;
    found.held = { lock: ++this.#locks, by };
    return { item: found.item, deliveryCount: found.deliveryCount, lock: found.held.lock };
  }

  /** @returns Whether it had an effect: the lock was still held. */
  async complete(delivery: Delivery): Promise<boolean> {
    await yieldPoint(`complete message ${name(delivery.item)}`);
    const held = this.#heldUnder(delivery);
    this.#messages = this.#messages.filter((message) => message !== held);
    return held !== undefined;
  }

  async abandon(delivery: Delivery): Promise<CameBack | "lock was lost"> {
    await yieldPoint(`abandon message ${name(delivery.item)}`);
    const held = this.#heldUnder(delivery);
    return held === undefined ? "lock was lost" : this.#comeBack(held);
  }

  /**
   * The lock on a partition's message expires, the oldest one's if several are locked.
   *
   * @returns What became of the message; undefined when none was locked.
   */
  async expire(about: PartitionKey): Promise<CameBack | undefined> {
    await yieldPoint(`lock on message ${name(about)} expires`);
    const locked = this.#messages.find((message) => message.held !== undefined && isFor(message.item, about));
    return locked === undefined ? undefined : this.#comeBack(locked);
  }

  /** The oldest dead letter for a partition; it stays until it is removed. */
  async peekDeadLetter(about: PartitionKey): Promise<WorkItem | undefined> {
    await yieldPoint(`look at dead letter ${name(about)}`);
    return this.#deadLetters.find((item) => isFor(item, about));
  }

  async removeDeadLetter(item: WorkItem): Promise<void> {
    await yieldPoint(`remove dead letter ${name(item)}`);
    this.#deadLetters = this.#deadLetters.filter((each) => each !== item);
  }

  /** A process died: whatever it had received comes back. No step: nobody does it. */
  release(by: string): void {
    for (const message of this.#messages.filter(({ held }) => held?.by === by)) this.#comeBack(message);
  }

  /** Whether a message for a partition, or for one attempt at it, waits or is being worked on. Dead letters do not count. */
  has(about: PartitionKey, attempt?: number): boolean {
    return this.#messages.some(({ item }) => isFor(item, about) && (attempt ?? item.attempt) === item.attempt);
  }

  hasDeadLetter(about: PartitionKey): boolean {
    return this.#deadLetters.some((item) => isFor(item, about));
  }

  #heldUnder({ lock }: Delivery): Message | undefined {
    return this.#messages.find(({ held }) => held?.lock === lock);
  }

  #comeBack(message: Message): CameBack {
    message.held = undefined;
    if (message.deliveryCount < maxDeliveryCount) return "waits again";
    this.#messages = this.#messages.filter((each) => each !== message);
    this.#deadLetters.push(message.item);
    return "dead-lettered";
  }
}

function isFor(item: WorkItem, { runId, partitionId }: PartitionKey): boolean {
  return item.runId === runId && item.partitionId === partitionId;
}

function name({ runId, partitionId }: PartitionKey): string {
  return `${runId}/${partitionId}`;
}
