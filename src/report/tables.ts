import type { Json } from "../execution/program.js";
import type { Explanation } from "../explanation/explanation.js";
import { bare, cut, oneLine, visible } from "./text.js";

/** A cell, and whether it differs from what it is compared with. */
export interface TableCell {
  readonly text: string;
  readonly changed: boolean;
}

export interface TableRow {
  readonly cells: readonly TableCell[];
  readonly fate: "same" | "changed" | "new" | "gone";
}

/** A table as it could be seen, compared with how it was before, or how others see it. */
export interface TableView {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  /** Rows that are not shown. */
  readonly more: number;
}

/** What could be seen at one moment. */
export interface Tables {
  /** As committed; null where it is what it was after an earlier step. */
  readonly committed: readonly TableView[] | null;
  /** As open transactions see those that differ for them. */
  readonly sessions: readonly { readonly session: string; readonly tables: readonly TableView[] }[];
}

type State = Readonly<Record<string, readonly { readonly [column: string]: Json }[]>>;

/** Rows of one table that are shown. */
const rowsShown = 12;

/** What could be seen before the first step, and after each one, with what changed marked. Pure. */
export function tablesOf({ views }: Pick<Explanation, "views">): Tables[] {
  let committed: State = {};
  return views.map((view, index) => {
    const before = committed;
    committed = view.committed ?? committed;
    return {
      committed: view.committed === undefined ? null : viewsOf(committed, index === 0 ? committed : before),
      sessions: Object.entries(view.sessions ?? {}).map(([session, state]) => ({
        session: visible(session),
        tables: viewsOf(state, committed),
      })),
    };
  });
}

/** Tables as they are, compared with nothing. */
export function plainTables(state: State): TableView[] {
  return viewsOf(state, state);
}

function viewsOf(state: State, before: State): TableView[] {
  return Object.entries(state).map(([name, rows]) => viewOf(name, rows, before[name] ?? []));
}

function viewOf(name: string, rows: State[string], before: State[string]): TableView {
  const columns = [...new Set([...rows, ...before].flatMap((row) => Object.keys(row)))];
  const compared = compare(rows, before, columns);
  // What changed comes first where not all can be shown.
  const shown =
    compared.length <= rowsShown
      ? compared
      : compared.toSorted((a, b) => Number(a.fate === "same") - Number(b.fate === "same"));
  return {
    name: oneLine(name),
    columns: columns.map((column) => oneLine(column)),
    rows: shown.slice(0, rowsShown),
    more: Math.max(0, compared.length - rowsShown),
  };
}

type Row = State[string][number];

/** Rows beside those that they were: the same ones, then by the first column, where that tells them apart. */
function compare(rows: readonly Row[], before: readonly Row[], columns: readonly string[]): TableRow[] {
  const key = keyOf(rows, before, columns);
  const left = new Map(before.map((row, index) => [key(row, index), row]));
  const found = rows.map((row, index): TableRow => {
    const old = left.get(key(row, index));
    left.delete(key(row, index));
    const cells = columns.map((column) => cellOf(row[column], old?.[column]));
    if (old === undefined) return { fate: "new", cells: cells.map(({ text }) => ({ text, changed: true })) };
    return { fate: cells.some(({ changed }) => changed) ? "changed" : "same", cells };
  });
  const gone = [...left.values()].map((row): TableRow => {
    return { fate: "gone", cells: columns.map((column) => ({ text: cellText(row[column]), changed: false })) };
  });
  return [...found, ...gone];
}

function keyOf(
  rows: readonly Row[],
  before: readonly Row[],
  columns: readonly string[],
): (row: Row, index: number) => string {
  // A prefix of the columns that tells rows apart, as keys mostly stand first; else the place.
  for (const length of [1, 2]) {
    const name = (row: Row) => JSON.stringify(columns.slice(0, length).map((column) => row[column] ?? null));
    const isKey = [rows, before].every((some) => new Set(some.map(name)).size === some.length);
    if (isKey && length < columns.length) return name;
  }
  return (_, index) => String(index);
}

function cellOf(now: Json | undefined, before: Json | undefined): TableCell {
  return { text: cellText(now), changed: JSON.stringify(now) !== JSON.stringify(before) };
}

function cellText(value: Json | undefined): string {
  return value === undefined ? "" : cut(visible(bare(value)), 120);
}
