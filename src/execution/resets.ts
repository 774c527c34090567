import pg from "pg";
import { ours } from "./catalog-filter.js";
import type { Rows } from "./model.js";

/** SQL that brings the tables of a schema back to what the schema left in them. */
export interface Resets {
  /** Takes all rows away, the cheapest way. */
  readonly empty: string;
  /** The same so that no place in a table is taken by a dead row. */
  readonly truncate: string;
  /** To be run behind one of the two: the schema's own rows, and these. */
  insert(rows: Rows): string;
}

/**
 * Looks up how to bring the tables back to what they are now.
 *
 * @param superuser Whether the role of `control` may switch off triggers and foreign keys for a session.
 */
export async function resetsOf(control: pg.Client, superuser: boolean): Promise<Resets> {
  const tables = (await control.query<Table>(tablesQuery)).rows;
  const restart = await textsOf(control, sequencesQuery);
  const refresh = await textsOf(control, viewsQuery);
  const truncate = tables.length === 0 ? "" : truncateFilled(tables);
  const remove = tables.map(({ name, only }) => `delete from ${only}${name};`).join(" ");
  const [before, after] = superuser ? withoutTriggers : await withoutOwnTriggers(control);
  const base: string[] = [];
  for (const table of tables) base.push(...(await rowsOf(control, table)));
  return {
    empty: `${before} ${superuser ? remove : truncate} ${restart}`,
    truncate: `${before} ${truncate} ${restart}`,
    insert: (rows) => {
      const seeds = Object.entries(rows).map(([table, items]) => insertRows(quote(table), items));
      return [...base, ...seeds, after, refresh].join(" ");
    },
  };
}

interface Table {
  readonly name: string;
  /** `only `, where a plain table's statements would reach tables that inherit from it. */
  readonly only: string;
  /** Those that can be inserted into. */
  readonly columns: string | null;
}

/**
 * Truncating a table takes some 0.7 ms (with its indexes and what it keeps apart, it is four new files and more), whether
 * there was anything in it or not; where there never was, it is as new.
 */
function truncateFilled(tables: readonly Table[]): string {
  const all = tables.map(({ name }) => `${pg.escapeLiteral(name)}::regclass`).join(", ");
  return `do $raceproof$
    declare filled text := (
      select string_agg(oid::regclass::text, ', ') from pg_class
      where oid = any (array[${all}]) and (relkind = 'p' or pg_relation_size(oid) > 0));
    begin
      if filled is not null then execute format('truncate %s cascade', filled); end if;
    end $raceproof$;`;
}

async function textsOf(control: pg.Client, query: string): Promise<string> {
  return (await control.query<{ text: string }>(query)).rows.map(({ text }) => `${text};`).join(" ");
}

/** As a replica no trigger and no foreign key fires, so the order of the tables does not matter. */
const withoutTriggers = ["set local session_replication_role = replica;", ""] as const;

/** The same for a role that may not be a replica: foreign keys are checked last, and triggers are disabled one by one. */
async function withoutOwnTriggers(control: pg.Client): Promise<readonly [before: string, after: string]> {
  await control.query(await textsOf(control, foreignKeysQuery));
  const disable = await textsOf(control, triggersQuery("disable"));
  const enable = await textsOf(control, triggersQuery("enable"));
  return [`set constraints all deferred; ${disable}`, `set constraints all immediate; ${enable}`];
}

/** The statement that brings back the rows that the schema itself put into a table. They stay text: JSON in JavaScript has no `bigint`. */
async function rowsOf(control: pg.Client, { name, only, columns }: Table): Promise<string[]> {
  if (columns === null) return [];
  const found = await control.query<{ rows: string | null }>(
    `select json_agg(t.*)::text as rows from (select ${columns} from ${only}${name}) t`,
  );
  const rows = found.rows[0]?.rows ?? null;
  return rows === null ? [] : [insertJson(name, columns, rows)];
}

function insertJson(table: string, columns: string, rows: string): string {
  return `insert into ${table} (${columns}) overriding system value select ${columns} from json_populate_recordset(null::${table}, ${pg.escapeLiteral(rows)});`;
}

/** Rows with the same columns go in one statement. */
function insertRows(table: string, rows: readonly Readonly<Record<string, unknown>>[]): string {
  const groups = new Map<string, unknown[]>();
  for (const row of rows) {
    const columns = Object.keys(row)
      .map((column) => pg.escapeIdentifier(column))
      .join(", ");
    groups.set(columns, [...(groups.get(columns) ?? []), row]);
  }
  return [...groups]
    .map(([columns, group]) =>
      columns === ""
        ? group.map(() => `insert into ${table} default values;`).join(" ")
        : insertJson(table, columns, JSON.stringify(group)),
    )
    .join(" ");
}

function quote(name: string): string {
  return name
    .split(".")
    .map((part) => pg.escapeIdentifier(part))
    .join(".");
}

const tablesQuery = `
  select format('%I.%I', n.nspname, c.relname) as name, case c.relkind when 'r' then 'only ' else '' end as only,
    (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
      where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and ${ours} order by 1`;

/** Sequences as the schema left them: it may have taken values for rows of its own. */
const sequencesQuery = `
  select format('select setval(%L, %s, %L)', format('%I.%I', n.nspname, c.relname),
    coalesce(pg_sequence_last_value(c.oid), s.seqstart), pg_sequence_last_value(c.oid) is not null) as text
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_sequence s on s.seqrelid = c.oid
  where ${ours} order by 1`;

const viewsQuery = `
  select format('refresh materialized view %I.%I', n.nspname, c.relname) as text
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'm' and c.relispopulated and ${ours} order by c.oid`;

const foreignKeysQuery = `
  select format('alter table %I.%I alter constraint %I deferrable', n.nspname, c.relname, k.conname) as text
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'f' and not k.condeferrable and k.conparentid = 0 and ${ours} order by 1`;

const triggersQuery = (change: "disable" | "enable") => `
  select format('alter table %I.%I ${change} trigger %I', n.nspname, c.relname, t.tgname) as text
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
  where not t.tgisinternal and t.tgenabled = 'O' and t.tgparentid = 0 and ${ours} order by 1`;
