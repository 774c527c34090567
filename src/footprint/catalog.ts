/** What Postgres' catalog knows that a statement's text does not say, as of one moment. */
export interface Catalog {
  /** By name without schema: which one a bare name means depends on settings, so all that it may mean count. */
  readonly relations: ReadonlyMap<string, readonly Relation[]>;
  /** Functions that did not come with Postgres, by name without schema. */
  readonly routines: ReadonlyMap<string, readonly Routine[]>;
  /** Volatility of Postgres' own functions (`i`, `s` or `v`; of several with one name the worst). */
  readonly builtins: ReadonlyMap<string, string>;
  /** Why no statement can be trusted to do only what it says, e.g. an operator that runs a function of the user's. */
  readonly surprise: string | undefined;
}

export type Relation = Table | View | Unknown;

/** A table; one that is partitioned or inherited from counts as one with all below it. */
export interface Table {
  readonly kind: "table";
  /** `schema.name` of the one at the top. */
  readonly name: string;
  /** Whether it consists of several: rows may move between them when they are updated. */
  readonly several: boolean;
  readonly columns: ReadonlyMap<string, Column>;
  readonly uniques: readonly Unique[];
  readonly foreignKeys: readonly ForeignKey[];
  /** The foreign keys of others that point to it. */
  readonly referencedBy: readonly ForeignKey[];
  readonly triggers: readonly Trigger[];
  /** Expressions that writing evaluates: generated columns, checks, indexes, as one text of SQL that selects them. */
  readonly computed: readonly string[];
  /** Why its statements do something else than they say (rules, row security). */
  readonly opaque: string | undefined;
}

export interface View {
  readonly kind: "view";
  readonly name: string;
  readonly definition: string;
}

/** Sequences read as tables, foreign tables. */
export interface Unknown {
  readonly kind: "unknown";
  readonly name: string;
}

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** SQL of its default; null without one. */
  readonly default: string | null;
  readonly identity: boolean;
  readonly generated: boolean;
}

export interface ColumnType {
  readonly family: "integer" | "numeric" | "text" | "uuid" | "boolean" | "enum" | "other";
  /** Whether it has a precision or length. */
  readonly limited: boolean;
}

/** A unique index, or an exclusion constraint. */
export interface Unique {
  readonly name: string;
  /** Its plain columns: keys that differ in one of them are different. */
  readonly columns: readonly string[];
  /** Whether an update of any column may change the key: expressions, exclusion constraints, conditions. */
  readonly anyColumn: boolean;
  /** Whether it may also be checked at COMMIT. */
  readonly deferrable: boolean;
}

export type ForeignKeyAction = "no action" | "restrict" | "cascade" | "set null" | "set default";

export interface ForeignKey {
  readonly name: string;
  /** `schema.name` of the table that has it. */
  readonly child: string;
  readonly childColumns: readonly string[];
  readonly parent: string;
  readonly parentColumns: readonly string[];
  readonly onDelete: ForeignKeyAction;
  readonly onUpdate: ForeignKeyAction;
  readonly deferrable: boolean;
}

export interface Trigger {
  readonly name: string;
  readonly events: ReadonlySet<"insert" | "update" | "delete" | "truncate">;
  /** Whether it may change the row on its way in. */
  readonly changesRow: boolean;
  /** Whether it may also run at COMMIT. */
  readonly deferrable: boolean;
  /** Its condition cannot do anything else than an expression can; its function is this. */
  readonly routine: Routine;
}

/** A function or procedure. */
export interface Routine {
  readonly name: string;
  readonly language: string;
  readonly kind: "function" | "procedure" | "aggregate" | "window";
  /** `i`, `s` or `v`. */
  readonly volatility: string;
  /** Its SQL statements, or its CREATE FUNCTION for PL/pgSQL. */
  readonly source: string;
  /** SQL of what is evaluated for parameters that a call leaves out. */
  readonly defaults: string | null;
}

/** The table with this full name. */
export function tableNamed(catalog: Catalog, name: string): Table | undefined {
  const bare = name.slice(name.indexOf(".") + 1);
  const found = catalog.relations.get(bare)?.find((relation) => relation.kind === "table" && relation.name === name);
  return found as Table | undefined;
}
