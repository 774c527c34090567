import { failureOf } from "../execution/faults.js";
import { fromModel, partsOf, type AnyModel, type Rows } from "../execution/model.js";
import type { Step } from "../execution/trace.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { inlined, insertsOf } from "./literal.js";

/** A counterexample as SQL alone: what Postgres is told, by which connection, in which order. */
export interface Reproduction {
  /** What it shows, in sentences. */
  readonly title: readonly string[];
  /** To be run in an empty database, one after the other. */
  readonly setups: readonly string[];
  readonly sessions: readonly string[];
  /** What every session begins with; undefined when there is nothing to say. */
  readonly sessionSetup: string | undefined;
  readonly steps: readonly ReproductionStep[];
  /** Queries that show the state in the end, by name, with the rows that must come. */
  readonly state: readonly { readonly name: string; readonly sql: string; readonly rows: number }[];
}

export interface ReproductionStep {
  /** `s` and the number that the step has in reports, from 1. */
  readonly name: string;
  readonly session: string;
  readonly sql: string;
  /** What the code did before it without telling Postgres. */
  readonly remarks: readonly string[];
  /** The step of the record; undefined for what stands for a lost connection. */
  readonly step: Step | undefined;
}

/**
 * What somebody with Postgres alone has to do to see what a counterexample shows. Parameters are put in as literals; yield
 * points become remarks; of a connection that was lost, what Postgres does then.
 *
 * @throws {UsageError} When a function of the model fails.
 */
export function reproductionOf(model: AnyModel, counterexample: Counterexample): Reproduction {
  const { program, trace, violations, implementation, condition, environment } = counterexample;
  const { isolation } = partsOf(condition);
  const settings = [
    ...(isolation === "read committed" ? [] : [`SET default_transaction_isolation = '${isolation}';`]),
    // As in the record: of a deadlock, the last to arrive is the victim.
    ...(trace.steps.some(isDeadlock) ? ["SET deadlock_timeout = '1ms';"] : []),
  ];
  const steps = stepsOf(trace.steps);
  return {
    title: [
      `${model.name}, ${implementation}: ${violations.map(({ message }) => message).join("; ")}`,
      `Made by raceproof ${environment.raceproof}, recorded on Postgres ${environment.postgres.version}; needs an empty database.`,
    ],
    setups: setupsOf(model, program.initial),
    sessions: [...new Set(steps.map(({ session }) => session))],
    sessionSetup: settings.length === 0 ? undefined : settings.join(" "),
    steps,
    state: Object.entries(model.state).map(([name, sql]) => ({ name, sql, rows: trace.state[name]?.length ?? 0 })),
  };
}

function isDeadlock({ outcome, fault }: Step): boolean {
  return fault === undefined && outcome.kind === "error" && outcome.code === "40P01";
}

function setupsOf(model: AnyModel, initial: unknown): string[] {
  const seed: Rows = fromModel(model, "seed", () => model.seed(initial));
  const rows = Object.entries(seed).flatMap(([table, items]) => insertsOf(table, items));
  const prepare = fromModel(model, "prepare", () => model.prepare?.(initial) ?? "");
  // Neither triggers nor the order of the tables matter to rows that are simply there.
  const inserts = ["BEGIN;", "SET LOCAL session_replication_role = replica;", ...rows, "COMMIT;"].join("\n");
  return [model.schema, rows.length === 0 ? "" : inserts, prepare].filter((sql) => sql.trim() !== "");
}

function stepsOf(recorded: readonly Step[]): ReproductionStep[] {
  const steps: ReproductionStep[] = [];
  const remarks = new Map<string, string[]>();
  const add = (step: Step, name: string, session: string, sql: string, of: Step | undefined) => {
    steps.push({ name, session, sql, remarks: remarks.get(step.actor) ?? [], step: of });
    remarks.delete(step.actor);
  };
  for (const step of recorded) {
    const name = `s${step.index + 1}`;
    const remark = (text: string) => remarks.set(step.actor, [...(remarks.get(step.actor) ?? []), text]);
    if (step.kind === "yield") remark(step.text);
    else if (step.kind === "crash") {
      remark("here the process dies: Postgres rolls back, and gives up all locks");
      const sessions = new Set(
        recorded
          .slice(0, step.index)
          .filter(({ actor }) => actor === step.actor)
          .map(({ session }) => session),
      );
      for (const [i, session] of [...sessions].entries())
        add(step, `${name}_lost${i === 0 ? "" : i + 1}`, session, lost, undefined);
    } else if (step.fault === "lost answer") {
      add(step, name, step.session, inlined(step.text, step.values), step);
      remark("here the connection breaks before the answer arrives");
      add(step, `${name}_lost`, step.session, lost, undefined);
    } else {
      const injected = step.fault === "serialization failure" || step.fault === "deadlock" ? step.fault : undefined;
      if (injected !== undefined) remark(`here Postgres answers with a ${injected}`);
      const sql = injected === undefined ? inlined(step.text, step.values) : failureOf(injected, step.text);
      add(step, name, step.session, sql, step);
    }
  }
  return steps;
}

/** What Postgres does when a connection is lost. */
const lost = "ROLLBACK; SELECT pg_advisory_unlock_all()";
