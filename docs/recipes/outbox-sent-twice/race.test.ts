import { expect } from "vitest";
import { yieldPoint } from "raceproof";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { relay } from "./broken.js";

raceTest("no mail is sent twice", {
  schema: "CREATE TABLE outbox (id int PRIMARY KEY, mail text NOT NULL, sent_at timestamptz)",
  // A stand-in for the mail server. Handing a mail over is no statement, so it is made a step.
  setup: async () => {
    await pool.query("INSERT INTO outbox VALUES (1, 'welcome')");
    const sent: string[] = [];
    const send = async (mail: string): Promise<void> => {
      await yieldPoint(`send ${mail}`);
      sent.push(mail);
    };
    return { sent, send };
  },
  concurrently: {
    "relay A": ({ world }) => relay(world.send),
    "relay B": ({ world }) => relay(world.send),
  },
  invariant: ({ world }) => expect(world.sent).toEqual(["welcome"]),
});
