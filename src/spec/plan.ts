import { leavesState } from "../session/leaves-state.js";
import type { SpecFile } from "./spec-file.js";
import { statementsOf } from "./statements.js";

/** How a spec's permutations may be run so that what comes of them is what isolationtester prints, only sooner. */
export interface Plan {
  /** Whether permutations may run at the same time, each in a database of its own, rather than one after the other in one. */
  readonly apart: boolean;
  /** Whether, once setup has run, emptying the tables and putting the rows back is as good as teardown and setup. */
  readonly reset: boolean;
  /** Whether that takes a server of its own, too: what is serializable depends on all transactions that a server has. */
  readonly alone: boolean;
}

/** What begins a statement that changes rows at most, and leaves nothing in its session. */
const harmless =
  /^(select|insert|update|delete|merge|with|values|table|begin|start|commit|end|rollback|abort|savepoint|release|lock|show|set (local|transaction|constraints))\b/;

/** Shows where rows lie, when, or to whom else the server belongs; makes something that is not a row, or keeps it in the session. */
const revealing =
  /\b(ctid|xmin|xmax|cmin|cmax|tableoid|oid|lastval|currval|setseed|into temp|current_database|pg_(?!sleep|advisory_xact_lock|try_advisory_xact_lock)\w+)\b|^select\b(?!.*\bfrom\b.*\binto\b).*\binto\b/;

/** Belongs to the whole server, or to who it is that uses it. */
const serverWide = /\b(role|user|database|tablespace|system|subscription|publication|prepared?|listen|notify)\b/;

const plainSetup = /^(create table|create (unique )?index(?! concurrently)|insert into)\b/;
const madeTable = /^create table\b(?!.*\b(as|partition|inherits|like)\b)/;
const ownSetup =
  /^(create (or replace )?(table|unique index|index(?! concurrently)|view|sequence|type|domain|materialized view)|insert into|alter table)\b/;

/** Errs towards one after the other, as written. */
export function planOf({ setups, teardown, sessions }: SpecFile): Plan {
  const setup = setups.flatMap(statementsOf);
  const own = sessions.flatMap((session) =>
    [session.setup, ...session.steps.map(({ sql }) => sql), session.teardown].flatMap((sql) => statementsOf(sql ?? "")),
  );
  const ends = statementsOf(teardown ?? "");
  const all = [...setup, ...own, ...ends];
  const rowsOnly =
    own.every((sql) => harmless.test(sql) && !revealing.test(sql)) && !own.some((sql) => leavesState.test(sql));
  const apart = rowsOnly && setup.every((sql) => ownSetup.test(sql)) && !all.some((sql) => serverWide.test(sql));
  const simple = setup.every((sql) => plainSetup.test(sql) && (!sql.startsWith("create table") || madeTable.test(sql)));
  return {
    apart,
    reset: rowsOnly && simple && ends.every((sql) => sql.startsWith("drop table")),
    alone: all.some((sql) => /\bserializable\b/.test(sql)),
  };
}
