import { yieldPoint } from "../../src/index.js";

/** What a message asks a worker to do. */
export interface WorkItem {
  readonly runId: string;
  readonly partitionId: string;
}

/** A message that a worker holds under its lock. */
export interface Delivery {
  readonly item: WorkItem;
  /** How often it has been delivered, this time included. */
  readonly deliveryCount: number;
}

/**
 * A queue with peek-lock semantics, as Azure Service Bus has them: a delivered message is locked for one receiver, who
 * completes it (it is gone) or abandons it (it comes back, to be delivered again). Every call is a step.
 */
export class Queue {
  #messages: Delivery[];

  /** @param messages What waits in the queue, each with how often it has been delivered so far. */
  constructor(messages: readonly Delivery[]) {
    this.#messages = [...messages];
  }

  async send(item: WorkItem): Promise<void> {
    await yieldPoint(`send work item ${item.runId}/${item.partitionId}`);
    this.#messages.push({ item, deliveryCount: 0 });
  }

  /**
   * Locks the oldest waiting message for a partition.
   *
   * @param again Whether to take one that has been delivered before, or one that has not.
   * @returns Undefined when there is none.
   */
  async receive({ runId, partitionId }: WorkItem, again: boolean): Promise<Delivery | undefined> {
    await yieldPoint(`receive ${again ? "redelivered " : ""}message ${runId}/${partitionId}`);
    const found = this.#messages.find(
      ({ item, deliveryCount }) =>
        item.runId === runId && item.partitionId === partitionId && deliveryCount > 0 === again,
    );
    if (found === undefined) return undefined;
    this.#messages = this.#messages.filter((message) => message !== found);
    return { ...found, deliveryCount: found.deliveryCount + 1 };
  }

  async complete({ item }: Delivery): Promise<void> {
    await yieldPoint(`complete message ${item.runId}/${item.partitionId}`);
  }

  async abandon(delivery: Delivery): Promise<void> {
    await yieldPoint(`abandon message ${delivery.item.runId}/${delivery.item.partitionId}`);
    this.#messages.push(delivery);
  }
}
