import { expect } from "vitest";
import { yieldPoint } from "raceproof";
import { raceTest } from "raceproof/vitest";
import { charge } from "./broken.js";

raceTest("a request that comes twice is charged once", {
  schema: "CREATE TABLE request (key text PRIMARY KEY, receipt text)",
  setup: () => {
    const charged: string[] = [];
    const card = async (): Promise<string> => {
      await yieldPoint("charge the card");
      charged.push("5 €");
      return `receipt ${charged.length}`;
    };
    return { charged, card };
  },
  concurrently: {
    request: ({ world }) => charge("key 1", world.card),
    "the same again": ({ world }) => charge("key 1", world.card),
  },
  invariant: ({ world, results }) => {
    expect(world.charged).toEqual(["5 €"]);
    expect(results["the same again"]).toEqual(results.request);
  },
});
