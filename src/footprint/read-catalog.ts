import { loadModule } from "libpg-query";
import type {
  Catalog,
  Column,
  ColumnType,
  ForeignKey,
  ForeignKeyAction,
  Relation,
  Routine,
  Table,
  Trigger,
  Unique,
} from "./catalog.js";

/** What of a client of `pg` is needed here. */
export interface Queryable {
  query(text: string): Promise<{ readonly rows: readonly unknown[] }>;
}

/**
 * Reads the catalog of a database, as the client's role sees it, and makes the parser ready.
 * What it knows is of this moment: after DDL it has to be read again.
 */
export async function readCatalog(client: Queryable): Promise<Catalog> {
  await loadModule();
  const read = async <T>(text: string) => (await client.query(text)).rows as readonly T[];
  const relations = await read<RelationRow>(relationsSql);
  const columns = await read<ColumnRow>(columnsSql);
  const uniques = await read<UniqueRow>(uniquesSql);
  const foreignKeys = await read<ForeignKeyRow>(foreignKeysSql);
  const triggers = await read<TriggerRow>(triggersSql);
  const computed = await read<ComputedRow>(computedSql);
  const routines = await read<RoutineRow>(routinesSql);
  const builtins = await read<{ name: string; volatility: string }>(builtinsSql);
  const [surprise] = await read<{ what: string }>(surprisesSql);
  return {
    relations: relationsOf({ relations, columns, uniques, foreignKeys, triggers, computed, routines }),
    routines: grouped(routines.filter(({ builtin }) => !builtin).map(routineOf), ({ name }) => name),
    builtins: new Map(builtins.map(({ name, volatility }) => [name, volatility])),
    surprise: surprise?.what,
  };
}

interface Rows {
  readonly relations: readonly RelationRow[];
  readonly columns: readonly ColumnRow[];
  readonly uniques: readonly UniqueRow[];
  readonly foreignKeys: readonly ForeignKeyRow[];
  readonly triggers: readonly TriggerRow[];
  readonly computed: readonly ComputedRow[];
  readonly routines: readonly RoutineRow[];
}

function relationsOf(rows: Rows): Catalog["relations"] {
  const names = new Map(rows.relations.map(({ oid, name }) => [oid, name]));
  const roots = new Map(rows.relations.map(({ oid, parents }) => [oid, parents]));
  const rootOf = (oid: number): number => {
    const parent = roots.get(oid)?.[0];
    return parent === undefined ? oid : rootOf(parent);
  };
  const routines = new Map(rows.routines.map((row) => [row.oid, routineOf(row)]));
  const foreignKeys = rows.foreignKeys.map((row) => foreignKeyOf(row, names, rootOf));
  const tables = new Map<number, Table>();
  for (const { oid, name, kind } of rows.relations) {
    if (kind !== "table" || rootOf(oid) !== oid) continue;
    const members = rows.relations.filter((other) => rootOf(other.oid) === oid);
    const oids = new Set(members.map((member) => member.oid));
    const ours = <T extends { relation: number }>(of: readonly T[]) => of.filter(({ relation }) => oids.has(relation));
    tables.set(oid, {
      kind: "table",
      name,
      several: members.length > 1,
      columns: new Map(ours(rows.columns).map((row) => [row.name, columnOf(row)])),
      uniques: ours(rows.uniques).map(uniqueOf),
      foreignKeys: foreignKeys.filter(({ child }) => child === name),
      referencedBy: foreignKeys.filter(({ parent }) => parent === name),
      triggers: ours(rows.triggers).map((row) => triggerOf(row, routines)),
      computed: ours(rows.computed).map(({ expression }) => expression),
      opaque: members.find(({ opaque }) => opaque !== null)?.opaque ?? undefined,
    });
  }
  const all = rows.relations.map((row): [string, Relation] => {
    const bare = row.name.slice(row.name.indexOf(".") + 1);
    const table = row.parents.length > 1 ? undefined : tables.get(rootOf(row.oid));
    if (table !== undefined) return [bare, table];
    if (row.kind === "view") return [bare, { kind: "view", name: row.name, definition: row.definition ?? "" }];
    return [bare, { kind: "unknown", name: row.name }];
  });
  return new Map([...grouped(all, ([bare]) => bare)].map(([bare, found]) => [bare, found.map(([, each]) => each)]));
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

const userSchemas = "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'";

interface RelationRow {
  readonly oid: number;
  readonly name: string;
  readonly kind: "table" | "view" | "unknown";
  readonly parents: readonly number[];
  readonly definition: string | null;
  readonly opaque: string | null;
}

const relationsSql = `
  select c.oid::int8::float8 as oid, n.nspname || '.' || c.relname as name,
    case when c.relkind in ('r', 'p', 'm') then 'table' when c.relkind = 'v' then 'view' else 'unknown' end as kind,
    array(select i.inhparent::int8::float8 from pg_inherits i where i.inhrelid = c.oid) as parents,
    case when c.relkind = 'v' then pg_get_viewdef(c.oid) end as definition,
    case when c.relrowsecurity then 'row security on ' || c.relname
         when exists (select from pg_rewrite r where r.ev_class = c.oid and r.rulename <> '_RETURN') then 'a rule on ' || c.relname
    end as opaque
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'm', 'v', 'f', 'S') and ${userSchemas}
  order by c.oid`;

interface ColumnRow {
  readonly relation: number;
  readonly name: string;
  readonly type: string;
  readonly limited: boolean;
  readonly exact: boolean;
  readonly isEnum: boolean;
  readonly default: string | null;
  readonly identity: boolean;
  readonly generated: boolean;
}

const columnsSql = `
  with recursive base(oid, type) as (
    select oid, oid from pg_type where typtype <> 'd'
    union all
    select d.oid, b.type from pg_type d join base b on b.oid = d.typbasetype where d.typtype = 'd'
  )
  select a.attrelid::int8::float8 as relation, a.attname as name, t.typname as type,
    a.atttypmod <> -1 or a.atttypid <> t.oid as limited,
    coalesce((select l.collisdeterministic from pg_collation l where l.oid = a.attcollation), true) as exact,
    t.typtype = 'e' as "isEnum",
    case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end as default,
    a.attidentity <> '' as identity, a.attgenerated <> '' as generated
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    join base b on b.oid = a.atttypid join pg_type t on t.oid = b.type
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.relkind in ('r', 'p', 'm') and ${userSchemas} and a.attnum > 0 and not a.attisdropped
  order by a.attrelid, a.attnum`;

function columnOf(row: ColumnRow): Column {
  const { name, limited, identity, generated } = row;
  return { name, type: { family: familyOf(row), limited }, default: row.default, identity, generated };
}

function familyOf({ type, exact, isEnum }: ColumnRow): ColumnType["family"] {
  if (isEnum) return "enum";
  if (["int2", "int4", "int8"].includes(type)) return "integer";
  if (["text", "varchar", "bpchar"].includes(type)) return exact ? "text" : "other";
  if (type === "numeric" || type === "uuid") return type;
  return type === "bool" ? "boolean" : "other";
}

interface UniqueRow {
  readonly relation: number;
  readonly name: string;
  readonly columns: readonly string[];
  readonly special: boolean;
  readonly exclusion: boolean;
  readonly deferrable: boolean;
}

const uniquesSql = `
  select i.indrelid::int8::float8 as relation, x.relname as name,
    array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) k join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k) as columns,
    i.indexprs is not null or i.indpred is not null as special,
    i.indisexclusion or not i.indisunique as exclusion, not i.indimmediate or coalesce(k.condeferrable, false) as deferrable
  from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class c on c.oid = i.indrelid
    join pg_namespace n on n.oid = c.relnamespace left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
  where (i.indisunique or i.indisexclusion) and ${userSchemas}
  order by i.indexrelid`;

function uniqueOf({ name, columns, special, exclusion, deferrable }: UniqueRow): Unique {
  return { name, columns: exclusion ? [] : columns, anyColumn: special || exclusion, deferrable };
}

interface ForeignKeyRow {
  readonly name: string;
  readonly child: number;
  readonly childColumns: readonly string[];
  readonly parent: number;
  readonly parentColumns: readonly string[];
  readonly onDelete: string;
  readonly onUpdate: string;
  readonly deferrable: boolean;
}

const attributes = (relation: string, numbers: string) =>
  `array(select a.attname::text from unnest(${numbers}) with ordinality u(n, o) join pg_attribute a on a.attrelid = ${relation} and a.attnum = u.n order by u.o)`;

const foreignKeysSql = `
  select k.conname as name, k.conrelid::int8::float8 as child, ${attributes("k.conrelid", "k.conkey")} as "childColumns",
    k.confrelid::int8::float8 as parent, ${attributes("k.confrelid", "k.confkey")} as "parentColumns",
    k.confdeltype as "onDelete", k.confupdtype as "onUpdate", k.condeferrable as deferrable
  from pg_constraint k where k.contype = 'f' order by k.oid`;

const actions: Readonly<Record<string, ForeignKeyAction>> = {
  a: "no action",
  r: "restrict",
  c: "cascade",
  n: "set null",
  d: "set default",
};

function foreignKeyOf(
  row: ForeignKeyRow,
  names: ReadonlyMap<number, string>,
  rootOf: (oid: number) => number,
): ForeignKey {
  const nameOf = (oid: number) => names.get(rootOf(oid)) ?? "";
  return {
    ...row,
    child: nameOf(row.child),
    parent: nameOf(row.parent),
    onDelete: actions[row.onDelete] ?? "cascade",
    onUpdate: actions[row.onUpdate] ?? "cascade",
  };
}

interface TriggerRow {
  readonly relation: number;
  readonly name: string;
  readonly type: number;
  readonly deferrable: boolean;
  readonly routine: number;
}

const triggersSql = `
  select t.tgrelid::int8::float8 as relation, t.tgname as name, t.tgtype::int as type, t.tgdeferrable as deferrable,
    t.tgfoid::int8::float8 as routine
  from pg_trigger t where not t.tgisinternal and t.tgenabled <> 'D' order by t.oid`;

/** Bits of `pg_trigger.tgtype`, as catalog/pg_trigger.h has them. */
const triggerBit = { row: 1, before: 2, insert: 4, delete: 8, update: 16, truncate: 32 } as const;

function triggerOf(row: TriggerRow, routines: ReadonlyMap<number, Routine>): Trigger {
  const has = (bit: keyof typeof triggerBit) => (row.type & triggerBit[bit]) !== 0;
  return {
    name: row.name,
    events: new Set((["insert", "update", "delete", "truncate"] as const).filter(has)),
    changesRow: has("before") && has("row"),
    deferrable: row.deferrable,
    routine: routines.get(row.routine)!,
  };
}

interface ComputedRow {
  readonly relation: number;
  readonly expression: string;
}

const computedSql = `
  select d.adrelid::int8::float8 as relation, pg_get_expr(d.adbin, d.adrelid) as expression
    from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where a.attgenerated <> ''
  union all
  select k.conrelid::int8::float8, pg_get_expr(k.conbin, k.conrelid) from pg_constraint k where k.contype = 'c' and k.conrelid <> 0
  union all
  select i.indrelid::int8::float8, pg_get_expr(e, i.indrelid) from pg_index i, lateral (values (i.indexprs), (i.indpred)) v(e)
    where v.e is not null and i.indrelid >= 16384
  union all
  select t.tgrelid::int8::float8, substring(pg_get_triggerdef(t.oid) from ' WHEN (\\(.*\\)) EXECUTE ') from pg_trigger t where t.tgqual is not null`;

interface RoutineRow {
  readonly oid: number;
  readonly builtin: boolean;
  readonly name: string;
  readonly language: string;
  readonly kind: string;
  readonly volatility: string;
  readonly source: string;
  readonly defaults: string | null;
}

const routinesSql = `
  select p.oid::int8::float8 as oid, n.nspname in ('pg_catalog', 'information_schema') as builtin, p.proname as name, l.lanname as language, p.prokind as kind, p.provolatile as volatility,
    case when l.lanname = 'plpgsql' then pg_get_functiondef(p.oid)
         when l.lanname = 'sql' then coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) else '' end as source,
    pg_get_expr(p.proargdefaults, 0) as defaults
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
  where n.nspname not in ('pg_catalog', 'information_schema') or p.oid in (select tgfoid from pg_trigger)`;

const kinds: Readonly<Record<string, Routine["kind"]>> = {
  f: "function",
  p: "procedure",
  a: "aggregate",
  w: "window",
};

function routineOf({ kind, ...row }: RoutineRow): Routine {
  return { ...row, kind: kinds[kind] ?? "function" };
}

// Of several functions with one name, and of functions and relations that look alike, the least harmless counts.
const builtinsSql = `
  select p.proname as name, max(p.provolatile::text) as volatility from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname = 'pg_catalog' group by p.proname`;

/** Functions of the user's, in a language whose text could do anything, that run where no name of theirs is written. */
const surprisesSql = `
  select pg_describe_object(d.classid, d.objid, 0) || ', which runs ' || p.oid::regprocedure as what
  from pg_depend d join pg_proc p on p.oid = d.refobjid and d.refclassid = 'pg_proc'::regclass
    join pg_language l on l.oid = p.prolang join pg_namespace n on n.oid = p.pronamespace
  where ${userSchemas} and l.lanname not in ('c', 'internal')
    and (d.classid in ('pg_operator'::regclass, 'pg_cast'::regclass, 'pg_type'::regclass, 'pg_amproc'::regclass, 'pg_event_trigger'::regclass)
      or d.classid = 'pg_constraint'::regclass and (select k.contypid <> 0 from pg_constraint k where k.oid = d.objid))
  limit 1`;
