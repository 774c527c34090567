import type pg from "pg";
import { RaceproofError, UsageError } from "../errors.js";
import { urlOf, type Database } from "../postgres/server.js";
import type { Connections } from "../session/connections.js";
import { leavesState } from "../session/leaves-state.js";
import { ours } from "./catalog-filter.js";
import { patiently, run } from "./control.js";
import { schemaText, withPlace, type AnyModel } from "./model.js";
import { pass } from "./passage.js";
import { assignedPool } from "./pool.js";

/** What a lane stands on. */
export interface Ground {
  readonly database: Database;
  readonly control: pg.Client;
  readonly connections: Connections;
}

/**
 * Makes a model's schema in a new database.
 *
 * @param before SQL to run before it.
 * @throws {UsageError} When it is not valid SQL, or its migration throws.
 */
export async function makeSchema(
  model: AnyModel,
  { database, control, connections }: Ground,
  before: string,
): Promise<void> {
  const { schema } = model;
  const place = `the schema of model "${model.name}"`;
  await run(control, `${before} ${schemaText(model)}`, place);
  if (typeof schema === "string") return;
  const empty = { pool: assignedPool, url: urlOf(database.connection) };
  try {
    await pass(connections, place, undefined, () => schema(empty));
  } catch (error) {
    throw failureIn(place, error);
  }
  // What a migration says of the database or the role holds for connections that are opened after it.
  await connections.close();
}

/**
 * Makes it anew: only the rows of its tables can be brought back otherwise.
 *
 * @param superuser Whether the role may drop whatever there is.
 */
export function remakeSchema(model: AnyModel, ground: Ground, superuser: boolean): Promise<void> {
  const drop = superuser ? dropSchemas : "drop owned by current_user cascade;";
  return makeSchema(model, ground, `${patiently} ${drop}`);
}

/** A failure in code of the model's: it is the model that is wrong. */
export function failureIn(place: string, error: unknown): RaceproofError {
  return error instanceof RaceproofError ? error : new UsageError(`${place} threw ${withPlace(error)}`);
}

/** All that a schema can have made. A role that is no superuser has made what it owns. */
const dropSchemas = `do $raceproof$ declare s text; begin
  for s in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
    execute format('drop schema %I cascade', s);
  end loop;
  create schema public;
end $raceproof$;`;

/** Whether a function of the schema may leave something in the session that calls it. */
export async function hasStatefulFunction(control: pg.Client): Promise<boolean> {
  const { rows } = await control.query<{ source: string | null }>(functionsQuery);
  return rows.some(({ source }) => source !== null && leavesState.test(source));
}

/**
 * Whether what state queries answer stays as it is until a statement has written to a table, by what can be seen of that
 * statement: it looks at nothing else, and no query writes by way of a function that a view calls.
 */
export async function stateStays(control: pg.Client, queries: readonly string[]): Promise<boolean> {
  if ((await control.query(writingQuery)).rowCount !== 0) return false;
  const views = await control.query<{ definition: string }>(
    `select pg_get_viewdef(c.oid) as definition from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'v' and ${ours}`,
  );
  return ![...queries, ...views.rows.map(({ definition }) => definition)].some((text) => elsewhere.test(text));
}

/** What a query looks at beside tables: locks and sessions, sequences, the time. */
const elsewhere =
  /\bpg_|\bcurrval\b|\blast_value\b|\bis_called\b|\btxid_|\bx(min|max)\b|\bnow\b|timestamp\s*\(\)|\bcurrent_(date|time|setting)|\blocaltime|\btimeofday\b|\brandom\b/i;

/** Those of triggers are called by nobody else. */
const writingQuery = `
  select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where p.provolatile = 'v' and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype) and ${ours} limit 1`;

const functionsQuery = `
  select case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end as source
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${ours}`;
