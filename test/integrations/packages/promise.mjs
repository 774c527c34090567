import { readFileSync } from "node:fs";
import { assertNoRace, RaceError } from "raceproof";
import { expect, test } from "vitest";

/** Where the clients of the packages believe that they connect to. */
export const nowhere = { host: "nowhere.invalid", port: 5432, user: "app", password: "secret", database: "app" };
export const nowhereUrl = "postgres://app:secret@nowhere.invalid:5432/app";

/**
 * A test of one thing that the documentation of a package promises. What came of it is held against a file in `golden/`,
 * of which `docs/real-packages.md` is made.
 *
 * @param {object} about
 * @param {string} about.of The package, as it is installed.
 * @param {string} about.promise What it promises, in our words.
 * @param {string} [about.breaks] How it is expected to break; without it, it is expected to hold.
 * @param {string} about.upstream Whether it is known, and where.
 * @param {string} [about.byHand] How it was seen to break without raceproof.
 * @param {boolean} [about.long] Left out unless RACEPROOF_PACKAGES is `all`: others show the same.
 * @param {object} about.race What `assertNoRace` runs.
 */
export function promise({ of, promise: text, breaks, upstream, byHand, long = false, race }) {
  test.skipIf(long && process.env.RACEPROOF_PACKAGES !== "all")(`${of}: ${text}`, async () => {
    const outcome = await assertNoRace({ strategy: "exhaustive", reports: false, ...race }).catch((error) => error);
    if (outcome instanceof Error && !(outcome instanceof RaceError)) throw outcome;
    if (outcome instanceof RaceError && breaks === undefined) throw outcome;
    const found = outcome instanceof RaceError ? foundOf(outcome.counterexample) : undefined;
    expect(found?.signature).toBe(breaks);
    const { name, version } = JSON.parse(readFileSync(new URL(`../node_modules/${of}/package.json`, import.meta.url)));
    const record = { package: `${name} ${version}`, promise: text, holds: outcome.claim, found, upstream, byHand };
    const file = `${of} ${text}`.replaceAll(/[^\w.]+/g, "-").replace(/^-/, "");
    await expect(`${JSON.stringify(record, undefined, 2)}\n`).toMatchFileSnapshot(`golden/${file}.json`);
  });
}

function foundOf({ signature, shrink, trace, confirmed }) {
  const { operations, switches } = shrink.to;
  return {
    signature,
    operations,
    switches,
    minimal: shrink.minimality?.kind ?? "not looked for",
    confirmed: `${confirmed.reproduced} of ${confirmed.times}`,
    steps: trace.steps.map(stepOf),
  };
}

/** What is another the next time. */
const madeHere = [
  [/\s+/g, " "],
  [/\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z| [+-]\d\d:\d\d)?/g, "‹time›"],
  [/\b1[789]\d{8}(?:\d{3})?\b/g, "‹time›"],
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "‹id›"],
];

function stepOf({ actor, kind, text, values, outcome, wait }) {
  const parameters = values?.length > 0 ? `  ${JSON.stringify(values)}` : "";
  const sql = madeHere
    .reduce((all, [pattern, standIn]) => all.replaceAll(pattern, standIn), `${text}${parameters}`)
    .trim();
  const waited = wait === null ? "" : "waits, then ";
  return {
    actor,
    sql: sql.length > 160 ? `${sql.slice(0, 159)}…` : sql,
    outcome: `${waited}${outcomeOf(kind, outcome)}`,
  };
}

function outcomeOf(kind, outcome) {
  if (outcome.kind === "error") return `${outcome.code}: ${outcome.message}`;
  if (outcome.kind !== "rows") return outcome.kind;
  if (outcome.rowCount === null) return "done";
  return `${outcome.rowCount} ${outcome.rowCount === 1 ? "row" : "rows"}`;
}
