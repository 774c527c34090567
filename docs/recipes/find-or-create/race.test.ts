import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { tagId } from "./broken.js";

raceTest("both get the same tag", {
  schema: "CREATE TABLE tag (id serial PRIMARY KEY, name text UNIQUE NOT NULL)",
  concurrently: { alice: () => tagId("urgent"), bob: () => tagId("urgent") },
  invariant: ({ results: { alice, bob } }) => {
    expect(alice).toMatchObject({ status: "fulfilled" });
    expect(bob).toEqual(alice);
  },
});
