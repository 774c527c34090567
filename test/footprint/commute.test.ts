import { expect, test } from "vitest";
import { fc } from "../../src/index.js";
import { serverForFile } from "../support.js";
import { Arena, type Judgement } from "./real.js";
import { pairs, scenes } from "./statements.js";

const server = serverForFile();

/** Pairs of steps for each schema; set RACEPROOF_FOOTPRINT_PAIRS for more. */
const runs = Number(process.env["RACEPROOF_FOOTPRINT_PAIRS"] ?? 60);
const seed = Number(process.env["RACEPROOF_FOOTPRINT_SEED"] ?? 1);

test.each(scenes.map((_, i) => i))(
  "schema %i: steps that commute by their footprints do so in Postgres",
  async (i) => {
    const arena = await Arena.open(server(), scenes[i]!);
    const counts: Record<Judgement["kind"], number> = { impossible: 0, conflict: 0, commutes: 0, wrong: 0 };
    try {
      await fc.assert(
        fc.asyncProperty(pairs, async (pair) => {
          const judgement = await arena.judge(pair);
          counts[judgement.kind]++;
          if (judgement.kind === "wrong") throw new Error(JSON.stringify(judgement, undefined, 1));
        }),
        { numRuns: runs, seed: seed * 10 + i, endOnFailure: process.env["RACEPROOF_FAST"] !== undefined },
      );
    } finally {
      await arena.close();
    }
    console.log(counts);
    expect(counts.commutes).toBeGreaterThan(0);
  },
  3_600_000,
);
