import type { ForeignKey, Table, Trigger, Unique } from "./catalog.js";
import { tableNamed } from "./catalog.js";
import { runRoutine } from "./calls.js";
import { noEffects } from "./effects.js";
import { columnValue, type Known } from "./expressions.js";
import { allRows, type Rows, type Value } from "./values.js";
import { lockTable, read, beOpaque, type Work } from "./work.js";

/** What an update sets columns to; undefined for what is not known. */
export type Sets = ReadonlyMap<string, Known | undefined>;

/** Adds what putting rows into a table does. */
export function insertInto(table: Table, given: Rows, work: Work): void {
  const rows = changesRow(table, "insert") ? allRows : given;
  lockTable(work, table, "ROW EXCLUSIVE");
  work.effects.writes.push({ table: table.name, rows, columns: "all" });
  for (const unique of table.uniques) claim(table, unique, rows, work);
  for (const key of table.foreignKeys) checkParent(key, table, rows, work);
  runTriggers(table, "insert", work);
}

/**
 * Adds what updating rows of a table does.
 *
 * @param rows Those before the update.
 */
export function update(table: Table, rows: Rows, given: Sets, work: Work): void {
  const again = around(`update ${table.name}`, rows, work);
  if (again === undefined) return;
  const { within, known } = again;
  const sets = withGenerated(table, given);
  // A trigger may change any column, and a row that moves to another partition is a new one.
  const any = table.several || changesRow(table, "update");
  const changes = (columns: readonly string[]) => any || columns.some((column) => sets.has(column));
  const key = table.uniques.some((unique) => changes(unique.columns));
  const after = any ? allRows : afterwards(table, known, sets);
  const own = hasOwnRows(table, work);
  lockTable(within, table, "ROW EXCLUSIVE");
  work.effects.writes.push({
    table: table.name,
    rows: any ? allRows : unionOf(known, after),
    columns: any ? "all" : new Set(sets.keys()),
  });
  work.effects.wants.push({
    kind: "row",
    table: table.name,
    rows: known,
    strength: key ? "UPDATE" : "NO KEY UPDATE",
    written: true,
  });
  for (const unique of table.uniques)
    if (unique.anyColumn || changes(unique.columns)) claim(table, unique, after, within);
  for (const foreign of table.foreignKeys)
    if (own || changes(foreign.childColumns)) checkParent(foreign, table, after, within);
  for (const foreign of table.referencedBy)
    if (changes(foreign.parentColumns)) tellChildren(foreign, foreign.onUpdate, false, table, known, within);
  runTriggers(table, "update", within);
}

/** Generated columns follow from the others: they may change with any of these, to what nobody knows. */
function withGenerated(table: Table, sets: Sets): Sets {
  const generated = [...table.columns.values()].filter((column) => column.generated);
  return new Map([...generated.map(({ name }) => [name, undefined] as const), ...sets]);
}

/**
 * Whether the transaction may have written rows of a table. Of such a row the foreign keys are checked anew at each update,
 * though they stay what they were (`RI_FKey_fk_upd_check_required` of Postgres' ri_triggers.c).
 */
function hasOwnRows({ name }: Table, { written, effects }: Work): boolean {
  return written.has(name) || effects.writes.some(({ table }) => table === name);
}

/** Adds what deleting rows of a table does. */
export function remove(table: Table, rows: Rows, work: Work): void {
  const again = around(`delete ${table.name}`, rows, work);
  if (again === undefined) return;
  const { within, known } = again;
  lockTable(within, table, "ROW EXCLUSIVE");
  work.effects.writes.push({ table: table.name, rows: known, columns: "all" });
  work.effects.wants.push({ kind: "row", table: table.name, rows: known, strength: "UPDATE", written: true });
  for (const foreign of table.referencedBy) tellChildren(foreign, foreign.onDelete, true, table, known, within);
  runTriggers(table, "delete", within);
}

/** Adds what emptying tables does, with those that refer to them if CASCADE says so. */
export function truncate(table: Table, cascade: boolean, work: Work): void {
  if (work.inside.has(`truncate ${table.name}`)) return;
  const within = { ...work, inside: new Set([...work.inside, `truncate ${table.name}`]) };
  lockTable(within, table, "ACCESS EXCLUSIVE");
  work.effects.writes.push({ table: table.name, rows: allRows, columns: "all" });
  for (const { child } of cascade ? table.referencedBy : []) {
    const children = tableNamed(work.catalog, child);
    if (children === undefined) beOpaque(work, `${child} refers to ${table.name} and is not known`);
    else truncate(children, cascade, within);
  }
  runTriggers(table, "truncate", within);
}

/**
 * Keeps cascades from going round in circles: what comes round again is taken for all rows, once.
 *
 * @returns Undefined the third time.
 */
function around(what: string, rows: Rows, work: Work): { within: Work; known: Rows } | undefined {
  if (work.inside.has(`${what} again`)) return undefined;
  const isSecond = work.inside.has(what);
  const within = { ...work, inside: new Set([...work.inside, isSecond ? `${what} again` : what]) };
  return { within, known: isSecond ? allRows : rows };
}

/** Whether a trigger may change rows on their way in. */
export function changesRow(table: Table, event: "insert" | "update"): boolean {
  return table.triggers.some((trigger) => trigger.changesRow && trigger.events.has(event));
}

function runTriggers(table: Table, event: "insert" | "update" | "delete" | "truncate", work: Work): void {
  for (const expression of table.computed) work.run(`select ${expression}`, { ...work, values: undefined });
  for (const trigger of table.triggers) if (trigger.events.has(event)) runTrigger(trigger, table, work);
}

function runTrigger({ name, routine, deferrable }: Trigger, table: Table, work: Work): void {
  if (deferrable) beOpaque(work, `trigger ${name} on ${table.name} may wait for COMMIT`);
  runRoutine(routine, work);
}

/** Rows after an update; what is set to something unknown may be anything. */
function afterwards(table: Table, rows: Rows, sets: Sets): Rows {
  const after = new Map<string, readonly Value[]>(rows);
  for (const [column, known] of sets) {
    const type = table.columns.get(column);
    const value = type === undefined ? undefined : columnValue(known, type);
    if (value === undefined) after.delete(column);
    else after.set(column, [value]);
  }
  return after;
}

/** Rows that are in one of two sets, as far as columns can say so. */
function unionOf(some: Rows, others: Rows): Rows {
  const rows = new Map<string, readonly Value[]>();
  for (const [column, values] of some) {
    const more = others.get(column);
    if (more !== undefined) rows.set(column, values === more ? values : [...values, ...more]);
  }
  return rows;
}

function claim(table: Table, { name, columns, deferrable }: Unique, rows: Rows, work: Work): void {
  const lock = { kind: "key", table: table.name, index: name, rows: restricted(rows, columns, columns) } as const;
  work.effects.wants.push(lock);
  if (deferrable) (work.effects.late ??= noEffects()).wants.push(lock);
}

/** Rows known by some of their columns, under the names that these have elsewhere. */
function restricted(rows: Rows, columns: readonly string[], names: readonly string[]): Rows {
  const some = new Map<string, readonly Value[]>();
  columns.forEach((column, i) => {
    const values = rows.get(column);
    if (values !== undefined) some.set(names[i]!, values);
  });
  return some;
}

/** Rows of one table that refer to rows of another, by those columns whose values are written the same way on both sides. */
function referring(from: Side, to: Side, rows: Rows): Rows {
  const same = from.columns.map((column, i) => {
    const [mine, theirs] = [from.table.columns.get(column)?.type, to.table.columns.get(to.columns[i]!)?.type];
    return mine !== undefined && mine.family === theirs?.family;
  });
  const kept = ({ columns }: Side) => columns.filter((_, i) => same[i]);
  return restricted(rows, kept(from), kept(to));
}

/** One end of a foreign key. */
interface Side {
  readonly table: Table;
  readonly columns: readonly string[];
}

/** A foreign key's check: the parent must be there, and stays. */
function checkParent(key: ForeignKey, child: Table, rows: Rows, work: Work): void {
  const parent = tableNamed(work.catalog, key.parent);
  if (parent === undefined) return beOpaque(work, `${child.name} refers to ${key.parent}, which is not known`);
  const there = { table: parent, columns: key.parentColumns };
  const theirs = referring({ table: child, columns: key.childColumns }, there, rows);
  look(parent, theirs, key.parentColumns, key.deferrable, work);
}

/** What a key does to the rows that refer to it when it goes or changes. */
function tellChildren(
  key: ForeignKey,
  action: ForeignKey["onDelete"],
  gone: boolean,
  parent: Table,
  rows: Rows,
  work: Work,
): void {
  const child = tableNamed(work.catalog, key.child);
  if (child === undefined) return beOpaque(work, `${key.child} refers to ${parent.name} and is not known`);
  const there = { table: child, columns: key.childColumns };
  const theirs = referring({ table: parent, columns: key.parentColumns }, there, rows);
  look(child, theirs, key.childColumns, key.deferrable, work);
  if (action === "no action" || action === "restrict") return;
  if (action === "set default") for (const column of key.childColumns) runDefault(child, column, work);
  if (action === "cascade" && gone) remove(child, theirs, work);
  else update(child, theirs, new Map(key.childColumns.map((column) => [column, undefined])), work);
}

function runDefault(table: Table, column: string, work: Work): void {
  const sql = table.columns.get(column)?.default;
  if (typeof sql === "string") work.run(`select ${sql}`, { ...work, values: undefined });
}

function look(table: Table, rows: Rows, columns: readonly string[], deferrable: boolean, work: Work): void {
  const checks = (effects: Work["effects"]) => {
    lockTable({ ...work, effects }, table, "ROW SHARE");
    effects.freshReads.push({ table: table.name, rows, columns: new Set(columns) });
    effects.wants.push({ kind: "row", table: table.name, rows, strength: "KEY SHARE", written: false });
  };
  checks(work.effects);
  if (deferrable) checks((work.effects.late ??= noEffects()));
}

/** Adds what reading a table's rows, as they are now, does. */
export function readFresh(table: Table, rows: Rows, work: Work): void {
  read(work, table, rows);
  work.effects.freshReads.push({ table: table.name, rows, columns: "all" });
}
