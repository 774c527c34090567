import type pg from "pg";

/** What Postgres says of a backend that may be waiting. */
export interface Waiting {
  readonly pid: number;
  /** Process ids of the backends that hold it up; empty when nothing does. */
  readonly blockers: readonly number[];
  /** Mode and object of the lock it waits for. */
  readonly lock: string | null;
  /** The row it is in line for, where there is a row. */
  readonly row: { readonly relation: string; readonly ctid: string } | null;
}

/** Who holds up each of these backends, if anybody does, and what it waits for. */
export async function waitingOf(control: pg.Client, pids: readonly number[]): Promise<Waiting[]> {
  return (await control.query<Waiting>({ name: "waiting", text: waitingQuery, values: [pids] })).rows;
}

/** The same without what they wait for. */
export async function blockersOf(control: pg.Client, pids: readonly number[]): Promise<Waiting[]> {
  return (await control.query<Waiting>({ name: "blockers", text: blockersQuery, values: [pids] })).rows;
}

/** A row by its place, e.g. `row (run_id=1, partition_id=2) of worker_runs`, by its primary key where it has one. */
export async function describeRow(
  control: pg.Client,
  { relation, ctid }: NonNullable<Waiting["row"]>,
): Promise<string> {
  try {
    const key = await control.query<{ columns: string | null }>(primaryKeyQuery, [relation]);
    const columns = key.rows[0]?.columns;
    if (columns === null || columns === undefined) return `row ${ctid} of ${relation}`;
    const row = await control.query<{ key: Record<string, unknown> }>(
      `select to_json(k.*) as key from (select ${columns} from ${relation} where ctid = $1::tid) k`,
      [ctid],
    );
    const found = row.rows[0]?.key;
    if (found === undefined) return `a row of ${relation}`;
    return `row (${Object.entries(found)
      .map(([column, value]) => `${column}=${String(value)}`)
      .join(", ")}) of ${relation}`;
  } catch {
    return `row ${ctid} of ${relation}`;
  }
}

/** Ten times cheaper than with the names of the locks. */
const blockersQuery = `
  select pid, pg_blocking_pids(pid) || pg_safe_snapshot_blocking_pids(pid) as blockers, null as lock, null as row
  from unnest($1::int[]) as p(pid)`;

const waitingQuery = `
  with locks as materialized (select * from pg_locks where pid = any ($1::int[]))
  select p.pid, pg_blocking_pids(p.pid) || pg_safe_snapshot_blocking_pids(p.pid) as blockers,
    w.mode || ' on ' || case w.locktype
      when 'transactionid' then 'transaction ' || w.transactionid
      when 'relation' then 'relation ' || w.relation::regclass
      when 'tuple' then format('tuple (%s,%s) of %s', w.page, w.tuple, w.relation::regclass)
      when 'advisory' then format('advisory lock [%s,%s,%s]', w.classid, w.objid, w.objsubid)
      else w.locktype end as lock,
    case when t.relation is not null then
      json_build_object('relation', t.relation::regclass::text, 'ctid', format('(%s,%s)', t.page, t.tuple)) end as row
  from unnest($1::int[]) as p(pid)
  left join lateral (select * from locks where pid = p.pid and not granted limit 1) w on true
  left join lateral (select * from locks where pid = p.pid and locktype = 'tuple' limit 1) t on true`;

const primaryKeyQuery = `
  select string_agg(quote_ident(a.attname), ', ' order by array_position(i.indkey::int2[], a.attnum)) as columns
  from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
  where i.indrelid = $1::regclass and i.indisprimary`;
