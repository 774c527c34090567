import pg from "pg";
import type { AnyModel } from "./model.js";
import { ours } from "./catalog-filter.js";

/**
 * The statement that reads a model's state: one, so that all its queries see the same snapshot, and as JSON, which keeps
 * integers as numbers.
 *
 * @param control Asked for the tables, where the model does not say what its state is.
 */
export async function stateQueryOf(model: AnyModel, control: pg.Client): Promise<string> {
  return stateQuery(model.state ?? (await statesOfTables(control)));
}

function stateQuery(queries: Readonly<Record<string, string>>): string {
  const parts = Object.entries(queries).map(
    ([name, sql]) =>
      `${pg.escapeLiteral(name)}, (select coalesce(json_agg(q.*), '[]') from (${sql.replace(/;\s*$/, "")}\n) q)`,
  );
  return `select json_build_object(${parts.join(", ")}) as state`;
}

/**
 * Every table, for models that do not say what their state is. Columns whose values differ from run to run are left out:
 * times, and keys that somebody draws at random.
 */
async function statesOfTables(control: pg.Client): Promise<Record<string, string>> {
  const { rows } = await control.query<{ name: string; query: string }>(statesQuery);
  return Object.fromEntries(rows.map(({ name, query }) => [name, query]));
}

const statesQuery = `
  select case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end as name,
    format('select %s from %I.%I order by %s', string_agg(quote_ident(a.attname), ', ' order by attnum), n.nspname, c.relname,
      string_agg(case when t.typname in ('json', 'xml', 'point') then format('%I::text', a.attname) else quote_ident(a.attname) end, ', ' order by attnum)) as query
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped
  join pg_type t on t.oid = a.atttypid
  where c.relkind in ('r', 'p') and not c.relispartition and ${ours} and c.relname !~* 'migration'
    and t.typname not in ('timestamp', 'timestamptz', 'date', 'time', 'timetz', 'interval', 'uuid', 'bytea')
  group by n.nspname, c.relname order by 1 limit 40`;
