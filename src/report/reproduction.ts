import { failureOf } from "../execution/faults.js";
import { fromModel, partsOf, type AnyModel, type Rows } from "../execution/model.js";
import type { Step, Trace } from "../execution/trace.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { inlined, insertsOf, literalOf } from "./literal.js";

/** A counterexample as SQL alone: what Postgres is told, by which connection, in which order. */
export interface Reproduction {
  /** What it shows, in sentences. */
  readonly title: readonly string[];
  /** To be run in an empty database, one after the other; the schema is not among them where the model's code makes it. */
  readonly setups: readonly string[];
  readonly sessions: readonly string[];
  /** What every session begins with; undefined when there is nothing to say. */
  readonly sessionSetup: string | undefined;
  readonly steps: readonly ReproductionStep[];
  /** Queries that show the state in the end, by name, with the rows that must come. */
  readonly state: readonly { readonly name: string; readonly sql: string; readonly rows: Trace["state"][string] }[];
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
  /** The session whose statement it cancels. */
  readonly cancels?: string;
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
      `Made by raceproof ${environment.raceproof}, recorded on Postgres ${environment.postgres.version}; needs ${
        typeof model.schema === "function"
          ? "a database in which the model's own code (its migrations) has made the tables, and nothing else"
          : "an empty database"
      }.`,
    ],
    setups: setupsOf(model, program.initial),
    sessions: [...new Set(steps.map(({ session }) => session))],
    sessionSetup: settings.length === 0 ? undefined : settings.join(" "),
    steps,
    state: Object.entries(model.state ?? {}).map(([name, sql]) => ({ name, sql, rows: trace.state[name] ?? [] })),
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
  const schema = typeof model.schema === "function" ? "" : model.schema;
  return [schema, rows.length === 0 ? "" : inserts, prepare].filter((sql) => sql.trim() !== "");
}

function stepsOf(recorded: readonly Step[]): ReproductionStep[] {
  const steps: ReproductionStep[] = [];
  // Of each actor, since its last statement.
  const remarks = new Map<string, string[]>();
  const remark = ({ actor }: Step, text: string) => remarks.set(actor, [...(remarks.get(actor) ?? []), text]);
  const add = ({ actor }: Step, step: Omit<ReproductionStep, "remarks">) => {
    steps.push({ ...step, remarks: remarks.get(actor) ?? [] });
    remarks.delete(actor);
  };
  const lose = (step: Step, sessions: readonly string[]) => {
    for (const [i, session] of sessions.entries())
      add(step, { name: `${nameOf(step)}_lost${i === 0 ? "" : i + 1}`, session, sql: lost, step: undefined });
  };
  for (const step of recorded) {
    const { kind, fault, session, text, values } = step;
    if (kind === "yield") {
      remark(step, text);
    } else if (kind === "crash") {
      remark(step, "here the process dies: Postgres rolls back, and gives up all locks");
      const before = recorded.slice(0, step.index).filter(({ actor }) => actor === step.actor);
      for (const waiting of before.filter(neverAnswered)) add(step, cancelling(step, waiting));
      lose(step, [...new Set(before.filter((each) => each.kind === "statement").map((each) => each.session))]);
    } else if (fault === "serialization failure" || fault === "deadlock") {
      remark(step, `here Postgres answers with a ${fault}`);
      add(step, { name: nameOf(step), session, sql: failureOf(fault, text), step });
    } else {
      add(step, { name: nameOf(step), session, sql: inlined(text, values), step });
      if (fault === undefined) continue;
      remark(step, "here the connection breaks before the answer arrives");
      lose(step, [session]);
    }
  }
  return steps;
}

function nameOf({ index }: Step): string {
  return `s${index + 1}`;
}

/** A statement that waited for a lock until its process died. */
function neverAnswered({ kind, wait, outcome }: Step): boolean {
  return kind === "statement" && wait !== null && outcome.kind === "passed";
}

/** isolationtester and raceproof spec call their connections by the names of the sessions, behind a slash. */
function cancelling(crash: Step, { session }: Step): Omit<ReproductionStep, "remarks"> {
  const name = literalOf(`%/${session}`);
  const sql = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name LIKE ${name}`;
  return { name: `${nameOf(crash)}_cancel`, session: "cancel", sql, step: undefined, cancels: session };
}

/** What Postgres does when a connection is lost. */
const lost = "ROLLBACK; SELECT pg_advisory_unlock_all()";
