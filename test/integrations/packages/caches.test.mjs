import { KeyvPostgres } from "@keyv/postgres";
import { nowhereUrl, promise } from "./promise.mjs";

const store = new KeyvPostgres({ uri: nowhereUrl });
// It looks for its table when it is made, where there is no database yet.
store.on("error", () => undefined);
const truths = (results) => Object.values(results).filter(({ value }) => value === true).length;

const keyv = {
  of: "@keyv/postgres",
  race: { schema: "create table keyv (key varchar(255) primary key, value text)", setup: () => store.set("a", "old") },
};

promise({
  ...keyv,
  promise: "of two that delete a key, one is told that it was there",
  breaks: "one is told so: broken",
  byHand: "two deletes at once, 200 times: 157 times both were told so (`by-hand.mjs`)",
  upstream: "not found in the issues of keyv",
  race: {
    ...keyv.race,
    concurrently: { one: () => store.delete("a"), two: () => store.delete("a") },
    invariants: { "one is told so": ({ results }) => truths(results) === 1 },
  },
});

promise({
  ...keyv,
  promise: "whoever reads gets a value that was set, and the last one that is set stays",
  upstream: "nothing to report",
  race: {
    ...keyv.race,
    concurrently: {
      writer: [() => store.set("a", "new"), () => store.set("b", "new")],
      other: () => store.setMany([{ key: "b", value: "other" }]),
      reader: [() => store.get("a"), () => store.getMany(["a", "b"])],
    },
    invariants: {
      "reads never go back": ({ results: { reader } }) => !(reader[0].value === "new" && reader[1].value[0] === "old"),
      "one of the two is there": async () => ["new", "other"].includes(await store.get("b")),
    },
  },
});
