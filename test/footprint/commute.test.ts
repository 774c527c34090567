import { expect, test } from "vitest";

import { fc } from "../../src/index.js";
import { serverForFile } from "../support.js";
import { Arena, type Judgement } from "./real.js";
import { regressions } from "./regressions.js";
import { pairs, scenes } from "./statements.js";

const server = serverForFile();

/** Pairs of steps for each schema: a few here, thousands by RACEPROOF_FOOTPRINT_PAIRS, others by RACEPROOF_FOOTPRINT_SEED. */
const runs = Number(process.env["RACEPROOF_FOOTPRINT_PAIRS"] ?? 50);
const seed = Number(process.env["RACEPROOF_FOOTPRINT_SEED"] ?? 1);

test.each(scenes.map((scene, i) => [scene.name, scene, i] as const))(
  "foreign keys %s: steps that commute by their footprints do so in Postgres",
  async (_, scene, i) => {
    const arena = await Arena.open(server(), scene);
    const counts: Record<Judgement["kind"], number> = { impossible: 0, conflict: 0, commutes: 0, wrong: 0 };
    try {
      await fc.assert(
        fc.asyncProperty(pairs, async (pair) => {
          const judgement = await arena.judge(pair);
          counts[judgement.kind]++;
          if (judgement.kind === "wrong") throw new Error(JSON.stringify(judgement, undefined, 1));
        }),
        { numRuns: runs, seed: seed * 10 + i },
      );
    } finally {
      await arena.close();
    }
    // Both happen, or nothing was tested.
    expect(counts.commutes).toBeGreaterThan(runs / 4);
    expect(counts.conflict).toBeGreaterThan(runs / 10);
  },
  3_600_000,
);

test.each(regressions)("%s", async (_, pair) => {
  const arena = await Arena.open(server(), scenes[0]!);
  try {
    expect((await arena.judge(pair)).kind).toBe("conflict");
  } finally {
    await arena.close();
  }
});
