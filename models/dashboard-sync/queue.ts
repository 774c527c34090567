import { yieldPoint } from "../../src/index.js";

/** What a message asks a worker to do. */
export interface WorkItem {
  readonly runId: string;
  readonly partitionId: string;
}

/** A message that a worker was given under a lock. */
export interface Delivery {
  readonly item: WorkItem;
  /** How often it has been delivered, this time included. */
  readonly deliveryCount: number;
  /** Tells this delivery from any other of the message. */
  readonly lock: number;
}

/** What waits in the queue to begin with: how often it has been delivered so far, and given back each time. */
export type Waiting = Omit<Delivery, "lock">;

interface Message {
  readonly item: WorkItem;
  deliveryCount: number;
  /** The delivery that holds it; undefined while it waits. */
  lock: number | undefined;
}

/** Deliveries after which a message that comes back once more is put aside. */
const maxDeliveryCount = 3;

/**
 * A queue with peek-lock semantics, as Azure Service Bus has them. A delivered message is locked for one receiver, who
 * completes it (it is gone) or abandons it (it comes back, to be delivered again). A lock may expire while the receiver
 * is still at work: the message comes back, and whatever that receiver does with it later has no effect. A message that
 * comes back after its third delivery is dead-lettered. Every call is a step.
 */
export class Queue {
  #messages: Message[];
  #deadLetters: WorkItem[] = [];
  #locks = 0;

  constructor(messages: readonly Waiting[]) {
    this.#messages = messages.map((message) => ({ ...message, lock: undefined }));
  }

  async send(item: WorkItem): Promise<void> {
    await yieldPoint(`send work item ${name(item)}`);
    this.#messages.push({ item, deliveryCount: 0, lock: undefined });
  }

  /**
   * Locks a waiting message for a partition: the oldest that came back, or the oldest that was never delivered, or one
   * that came back where there is no such.
   *
   * @returns Undefined when there is none.
   */
  async receive(item: WorkItem, which: "came back" | "new first"): Promise<Delivery | undefined> {
    await yieldPoint(`receive ${which === "came back" ? "redelivered " : ""}message ${name(item)}`);
    const waiting = this.#messages.filter((message) => message.lock === undefined && isFor(message, item));
    const again = waiting.find(({ deliveryCount }) => deliveryCount > 0);
    const found = which === "came back" ? again : (waiting.find(({ deliveryCount }) => deliveryCount === 0) ?? again);
    if (found === undefined) return undefined;
    found.deliveryCount++;
    found.lock = ++this.#locks;
    return { item: found.item, deliveryCount: found.deliveryCount, lock: found.lock };
  }

  /** @returns Whether it had an effect: the lock was still held. */
  async complete(delivery: Delivery): Promise<boolean> {
    await yieldPoint(`complete message ${name(delivery.item)}`);
    const held = this.#heldBy(delivery);
    this.#messages = this.#messages.filter((message) => message !== held);
    return held !== undefined;
  }

  /** @returns What became of the message. */
  async abandon(delivery: Delivery): Promise<"waits again" | "dead-lettered" | "lock was lost"> {
    await yieldPoint(`abandon message ${name(delivery.item)}`);
    const held = this.#heldBy(delivery);
    return held === undefined ? "lock was lost" : this.#comeBack(held);
  }

  /**
   * The lock on a partition's message expires, the oldest one's if several are locked.
   *
   * @returns What became of the message; undefined when none was locked.
   */
  async expire(item: WorkItem): Promise<"waits again" | "dead-lettered" | undefined> {
    await yieldPoint(`lock on message ${name(item)} expires`);
    const locked = this.#messages.find((message) => message.lock !== undefined && isFor(message, item));
    return locked === undefined ? undefined : this.#comeBack(locked);
  }

  /** Whether a message for a partition waits or is being worked on. Dead letters do not count. */
  has(item: WorkItem): boolean {
    return this.#messages.some((message) => isFor(message, item));
  }

  get deadLetters(): readonly WorkItem[] {
    return this.#deadLetters;
  }

  #heldBy({ lock }: Delivery): Message | undefined {
    return this.#messages.find((message) => message.lock === lock);
  }

  #comeBack(message: Message): "waits again" | "dead-lettered" {
    message.lock = undefined;
    if (message.deliveryCount < maxDeliveryCount) return "waits again";
    this.#messages = this.#messages.filter((each) => each !== message);
    this.#deadLetters.push(message.item);
    return "dead-lettered";
  }
}

function isFor({ item }: Message, { runId, partitionId }: WorkItem): boolean {
  return item.runId === runId && item.partitionId === partitionId;
}

function name({ runId, partitionId }: WorkItem): string {
  return `${runId}/${partitionId}`;
}
