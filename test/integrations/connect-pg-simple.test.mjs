import { promisify } from "node:util";
import connectPgSimple from "connect-pg-simple";
import session from "express-session";
import pg from "pg";
import { readFileSync } from "node:fs";
import { assertNoRace, RaceError } from "raceproof";
import { expect, test } from "vitest";
import { nowhere } from "./lost-update.mjs";

const Store = connectPgSimple(session);
const store = new Store({ pool: new pg.Pool(nowhere), pruneSessionInterval: false });
const get = promisify(store.get.bind(store));
const set = promisify(store.set.bind(store));
const cookie = { maxAge: 60_000 };

const race = {
  schema: readFileSync(new URL("node_modules/connect-pg-simple/table.sql", import.meta.url), "utf8"),
  setup: () => set("s1", { cookie, cart: [] }),
  state: { session: "select sess -> 'cart' as cart from session" },
  reports: false,
};

async function addToCart(item) {
  const found = await get("s1");
  await set("s1", { ...found, cart: [...found.cart, item] });
}

test("two requests of one session: the later one wins, and what the other put into it is lost", async () => {
  const error = await assertNoRace({
    ...race,
    concurrently: { first: () => addToCart("book"), second: () => addToCart("pen") },
    invariants: { "nothing is lost": async () => expect((await get("s1")).cart).toHaveLength(2) },
  }).catch((reason) => reason);
  if (!(error instanceof RaceError)) throw error;
  expect(error.counterexample.signature).toBe("nothing is lost: broken");
});

test("requests that do not depend on what they read hold", async () => {
  const { claim } = await assertNoRace({
    ...race,
    concurrently: { first: () => set("s1", { cookie, cart: ["book"] }), second: () => get("s1") },
    invariants: { "it is there": async () => expect((await get("s1")).cart).toEqual(["book"]) },
  });
  expect(claim).toMatch(/^all orders/);
});
