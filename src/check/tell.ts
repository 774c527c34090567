import { invariantOf, type AnyModel } from "../execution/model.js";
import type { Exploration } from "../explore/explore.js";
import { judgeClaim } from "../explore/matrix.js";
import { timesSeen, type ShardRecord, type VerdictFile, type ViolationReport } from "../explore/verdict.js";
import { explained, operationsEnd } from "../oracle/judge.js";
import type { PostgresServer } from "../postgres/server.js";
import { counterexampleFileName } from "../report/counterexample-file.js";
import { sessionSettings } from "../session/connections.js";
import type { Counterexample } from "../shrink/counterexample.js";
import type { Found } from "../shrink/investigate.js";
import { version } from "../version.js";
import type { Done, Setting } from "./check-row.js";
import { defaultSeed, type CheckOptions } from "./options.js";
import { rememberedReport, type Recalled } from "./remembered.js";
import type { Row } from "./rows.js";

/** What was found, as it is kept. */
export function counterexampleOf(
  found: Found,
  { implementation, condition }: Row,
  { model, server, options: { seed = defaultSeed, module } }: Setting,
): Counterexample {
  return {
    schema: "raceproof/counterexample@1",
    model: { name: model.name, module: module ?? null },
    implementation,
    condition,
    signature: found.signature,
    violations: found.violations,
    program: found.program,
    schedule: found.trace.schedule,
    trace: found.trace,
    ...(found.explanation === undefined ? {} : { explanation: found.explanation }),
    ...(found.original.length > found.to.steps ? { original: found.original } : {}),
    seed,
    shrink: { to: found.to, minimality: found.minimality, from: found.from, executions: found.executions },
    confirmed: found.confirmed,
    environment: { raceproof: version, postgres: postgresOf(server) },
  };
}

/** Where a counterexample is written, as verdicts name it. */
export function fileFor(counterexample: Counterexample, reports: string | undefined): string | null {
  return reports === undefined ? null : `${reports.replace(/\/+$/, "")}/${counterexampleFileName(counterexample)}`;
}

/** What a verdict says of a counterexample. */
export function reportOf(
  { signature, violations, shrink: { to } }: Counterexample,
  { seen }: Exploration,
  file: string | null,
): ViolationReport {
  return {
    signature,
    violations,
    operations: to.operations,
    faults: to.faults,
    steps: to.steps,
    switches: to.switches,
    seen: timesSeen(seen, violations),
    counterexample: file,
  };
}

/** What is said of all rows. */
export function verdictFileOf(
  { model, server, options: { seed = defaultSeed, signal } }: Setting,
  done: readonly Done[],
  recalled: readonly Recalled[],
  seconds: number,
): VerdictFile {
  const implementations = done.map(({ verdict }) => verdict);
  const interrupted = signal?.aborted === true;
  return {
    schema: "raceproof/verdict@1",
    raceproof: version,
    model: model.name,
    seed,
    postgres: postgresOf(server),
    asExpected: !interrupted && implementations.every((each) => each.asExpected),
    interrupted,
    invariants: conditionsOf(model),
    implementations,
    claims: (model.claims ?? []).flatMap((claim) => judgeClaim(claim, { implementations }) ?? []),
    ...(recalled.length === 0 ? {} : { remembered: recalled.map(rememberedReport) }),
    seconds,
  };
}

/** What `merge` needs to know of a part. */
export function shardOf(
  { shard = { number: 1, of: 1 }, executions, seconds, module }: CheckOptions,
  definition: string,
  done: readonly Done[],
): ShardRecord {
  const { number, of } = shard;
  return {
    number,
    of,
    definition,
    executions: executions ?? null,
    seconds: seconds ?? null,
    module: module ?? null,
    found: done.map(({ found }) => found),
    split: done.map(({ split }) => split),
  };
}

/** The model's own invariants, and those that every model has. */
function conditionsOf(model: AnyModel): VerdictFile["invariants"] {
  const own = Object.keys(model.invariants).map((name) => ({ name, when: invariantOf(model, name).when }));
  const general = [...(model.reference === undefined ? [] : [explained]), operationsEnd];
  return [...own, ...general.map((name) => ({ name, when: "quiescence" as const }))];
}

/** The server as reports name it, with every setting that is not Postgres' own. */
export function postgresOf({ version, kind, settings, superuser }: PostgresServer): VerdictFile["postgres"] {
  return { version, kind, settings: { ...settings, ...(superuser ? sessionSettings : {}) } };
}
