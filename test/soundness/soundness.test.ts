import { appendFileSync, readdirSync, readFileSync } from "node:fs";

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Lanes } from "../../src/execution/lanes.js";
import type { AnyModel, Isolation } from "../../src/execution/model.js";
import { serverForFile } from "../support.js";
import { explored, model } from "./outcomes.js";
import { programs, type SqlProgram } from "./programs.js";

const server = serverForFile();

/** How many programs to generate; thousands while the relation of footprints is being changed. */
const count = Number(process.env["SOUNDNESS_PROGRAMS"] ?? 12);
const seed = Number(process.env["SOUNDNESS_SEED"] ?? 20_261_125);
/** A file to which programs are written that fail, instead of ending at the first of them. */
const failures = process.env["SOUNDNESS_FAILURES"];
/** A program with more orders than this is left out: the full enumeration would take too long. */
const most = Number(process.env["SOUNDNESS_ORDERS"] ?? 130);

const lanesAt = new Map<Isolation, Lanes>();
beforeAll(async () => {
  for (const isolation of ["read committed", "repeatable read", "serializable"] as const)
    lanesAt.set(isolation, await Lanes.open(server(), model as AnyModel, 4, isolation));
});
afterAll(async () => {
  for (const lanes of lanesAt.values()) await lanes.close();
});

/** The outcomes that one exploration has and the other has not. */
async function difference(program: SqlProgram) {
  const lanes = lanesAt.get(program.isolation)!;
  const full = await explored(lanes, program, "all", Infinity);
  const reduced = await explored(lanes, program, "reduced", Infinity);
  const inParts = await explored(lanes, program, "in parts", Infinity);
  return {
    exhausted: reduced.exhausted && inParts.exhausted,
    missing: [...full.outcomes].filter((outcome) => !reduced.outcomes.has(outcome)),
    missingInParts: [...full.outcomes].filter((outcome) => !inParts.outcomes.has(outcome)),
    unheardOf: [...reduced.outcomes].filter((outcome) => !full.outcomes.has(outcome)),
    executions: { full: full.executions, reduced: reduced.executions, inParts: inParts.executions },
    outcomes: full.outcomes.size,
  };
}

describe("the reduced exploration has the outcomes of the full enumeration", () => {
  test(`for ${count} random programs`, { timeout: 3_600_000 }, async () => {
    const totals = { programs: 0, full: 0, reduced: 0, inParts: 0, outcomes: 0 };
    for (const program of fc.sample(programs(most), { numRuns: count, seed })) {
      const { executions, outcomes, ...rest } = await difference(program).catch((error: unknown) => {
        throw new Error(`in ${JSON.stringify(program)}`, { cause: error });
      });
      const isRight = rest.exhausted && rest.missing.length + rest.missingInParts.length + rest.unheardOf.length === 0;
      if (!isRight && failures !== undefined)
        appendFileSync(failures, `${JSON.stringify({ program, ...rest, executions })}\n`);
      expect(isRight || failures !== undefined ? "as it is" : { program, ...rest }).toBe("as it is");
      totals.programs++;
      totals.full += executions.full;
      totals.reduced += executions.reduced;
      totals.inParts += executions.inParts;
      totals.outcomes += outcomes;
      if (totals.programs % 100 === 0) console.log(totals);
    }
    expect(totals.reduced).toBeLessThan(totals.full);
  });

  const folder = new URL("regressions/", import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  test.each(files)("%s", async (file) => {
    const program = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as SqlProgram;
    expect(await difference(program)).toMatchObject({
      exhausted: true,
      missing: [],
      missingInParts: [],
      unheardOf: [],
    });
  });
});
