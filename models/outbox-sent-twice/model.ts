import type { Pool } from "pg";
import { defineModel, fc, yieldPoint } from "../../src/index.js";
import { transaction } from "../transaction.js";

/** Hands a message to the outside world, from which nothing comes back. */
type Send = (message: number) => Promise<void>;

interface Relay {
  /** Sends the oldest message that was not sent; false when there is none. */
  relay(send: Send): Promise<boolean>;
}

/** Reads, sends, and makes a note that it did. */
const broken = (pool: Pool): Relay => ({
  async relay(send) {
    const { rows } = await pool.query<{ id: number }>(
      "SELECT id FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT 1",
    );
    const [message] = rows;
    if (message === undefined) return false;
    await send(message.id);
    await pool.query("UPDATE outbox SET sent_at = now() WHERE id = $1", [message.id]);
    return true;
  },
});

/** The same with the message locked meanwhile: others pass over it. */
const correct = (pool: Pool): Relay => ({
  relay: (send) =>
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ id: number }>(
        "SELECT id FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
      );
      const [message] = rows;
      if (message === undefined) return false;
      await send(message.id);
      await client.query("UPDATE outbox SET sent_at = now() WHERE id = $1", [message.id]);
      return true;
    }),
});

/**
 * Outbox, sent twice: two relays read the same message before either has noted that it was sent.
 *
 * The transactional outbox with two replicas of the relay, mails and webhooks from a cron job that overlaps with itself.
 * The correct code keeps the message locked until it has noted that it was sent. (A relay that dies in between still sends
 * twice: against that, receivers must know what they have seen.)
 *
 * Smallest counterexample: 2 operations, 2 switches (read | the other one entirely | send).
 */
export default defineModel({
  name: "outbox-sent-twice",
  schema: "CREATE TABLE outbox (id int PRIMARY KEY, sent_at timestamptz)",
  implementations: {
    broken: { expect: { violates: ["nothing is sent twice"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.integer({ min: 1, max: 2 }),
  seed: (messages) => ({ outbox: Array.from({ length: messages }, (_, i) => ({ id: i + 1 })) }),
  world: (): { readonly sent: number[] } => ({ sent: [] }),
  operations: {
    relay: {
      parameters: fc.constant(null),
      describe: () => "relay a message",
      run: ({ implementation, world }) =>
        implementation.relay(async (message) => {
          await yieldPoint(`send message ${message}`);
          world.sent.push(message);
        }),
    },
  },
  actors: { "relay A": ["relay"], "relay B": ["relay"] },
  state: { unsent: "SELECT id FROM outbox WHERE sent_at IS NULL ORDER BY id" },
  invariants: {
    "nothing is sent twice": (_, { world: { sent } }) => {
      const twice = sent.find((message, i) => sent.indexOf(message) < i);
      return twice === undefined ? undefined : `message ${twice} was sent more than once`;
    },
    "what is marked was sent": ({ unsent = [] }, { initial, world: { sent } }) => {
      const marked = initial - unsent.length;
      return marked <= new Set(sent).size ? undefined : `${marked} are marked, ${new Set(sent).size} were sent`;
    },
  },
});
