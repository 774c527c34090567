import type { Routine } from "./catalog.js";
import { literalOf } from "./expressions.js";
import type { AdvisoryLock } from "./locks.js";
import { isWatchedSetting } from "./settings.js";
import { plpgsqlOf, type Tree } from "./parse.js";
import { beOpaque, field, isTree, list, mayDefine, strings, text, type Work } from "./work.js";

/** Volatile functions of Postgres' own that no other session notices. */
const harmless = new Set(
  "clock_timestamp timeofday random random_normal setseed currval lastval gen_random_uuid uuidv4 uuidv7 pg_sleep pg_sleep_for pg_sleep_until set_config".split(
    " ",
  ),
);

/** Stable functions of Postgres' own that look at what other sessions do. */
const watching =
  /^(pg_|txid_|has_|row_security|query_to_|table_to_|schema_to_|database_to_|cursor_to_|currtid|ts_stat)/;
const notWatching = new Set(
  "pg_typeof pg_backend_pid pg_client_encoding pg_encoding_to_char pg_size_pretty".split(" "),
);

/** Adds what calling a function does; of several with its name, all. */
export function call(node: Tree, work: Work): void {
  const names = strings(list(node, "funcname"));
  const name = names.at(-1) ?? "";
  const isBuiltin = names.length === 1 || names[0] === "pg_catalog";
  if (isBuiltin && /^pg_(try_)?advisory_/.test(name)) return advisory(name, list(node, "args"), work);
  const routines = names[0] === "pg_catalog" ? [] : (work.catalog.routines.get(name) ?? []);
  for (const routine of routines) runRoutine(routine, work);
  const volatility = isBuiltin ? work.catalog.builtins.get(name) : undefined;
  if (name === "set_config" && mattersToUs(list(node, "args"), work))
    mayDefine(work, "set_config() may change how statements are read");
  if (volatility === undefined) {
    if (routines.length === 0) beOpaque(work, `function ${name} is not known`);
  } else if (name === "nextval") {
    work.effects.draws = true;
  } else if (name === "pg_notify") {
    work.effects.notifies = true;
  } else if (!isHarmless(name, volatility)) {
    beOpaque(work, `${name}() may do anything`);
  }
}

function mattersToUs([setting]: readonly Tree[], work: Work): boolean {
  const name = setting === undefined ? undefined : literalOf(setting, work.values);
  return name === undefined || isWatchedSetting(name);
}

function isHarmless(name: string, volatility: string): boolean {
  if (volatility === "v") return harmless.has(name);
  return volatility === "i" || notWatching.has(name) || !watching.test(name);
}

function advisory(name: string, args: readonly Tree[], work: Work): void {
  const shared = name.endsWith("_shared");
  const session = !name.includes("_xact_");
  const keys = args.map((arg) => whole(literalOf(arg, work.values)));
  const key = keys.includes(undefined) ? undefined : keys.join(", ");
  const lock: AdvisoryLock = { kind: "advisory", key, shared, session };
  if (name === "pg_advisory_unlock_all") work.effects.unlocks.push({ ...lock, key: undefined, shared: false });
  else if (name.startsWith("pg_advisory_unlock")) work.effects.unlocks.push(lock);
  else work.effects.wants.push(lock);
  if (name.startsWith("pg_try_")) work.effects.probes = true;
}

function whole(literal: string | undefined): string | undefined {
  return literal !== undefined && /^-?\d+$/.test(literal) ? String(BigInt(literal)) : undefined;
}

/** Adds what a function of the user's does, as far as its source can be read. */
export function runRoutine(routine: Routine, work: Work): void {
  const { name, language, kind, volatility, source, defaults } = routine;
  if (work.inside.has(`function ${name}`)) return;
  work.effects.calls = true;
  const within: Work = { ...work, values: undefined, inside: new Set([...work.inside, `function ${name}`]) };
  if (defaults !== null) work.run(`select ${defaults}`, within);
  if (kind === "aggregate" || kind === "window") return mayDefine(work, `what ${name}() does is not known`);
  if (language === "sql") return work.run(sqlOf(source), within);
  if (language === "plpgsql") {
    const body = plpgsqlOf(source);
    return body === undefined ? mayDefine(work, `the body of ${name}() cannot be parsed`) : plpgsql(body, name, within);
  }
  if (volatility !== "i") mayDefine(work, `${name}() is written in ${language}`);
}

/** The statements of a function with a body of standard SQL: `RETURN …` or `BEGIN ATOMIC … END`. */
function sqlOf(source: string): string {
  return source.replace(/^\s*return\b/i, "select").replace(/^\s*begin\s+atomic\b([\s\S]*)\bend\s*$/i, "$1");
}

/** Statements of PL/pgSQL that run texts made on the way, or end transactions. */
const unreadable = ["PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors", "PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"];

/** How its parser names the ways in which a piece of SQL is to be read (`RawParseMode`). */
const parseMode = { statement: 0, expression: 2 } as const;

function plpgsql(tree: unknown, name: string, work: Work): void {
  if (Array.isArray(tree)) for (const each of tree) plpgsql(each, name, work);
  if (!isTree(tree)) return;
  for (const [key, value] of Object.entries(tree)) {
    if (unreadable.includes(key) || key === "dynquery") mayDefine(work, `${name}() runs SQL that it makes itself`);
    if (key === "PLpgSQL_expr") work.run(sqlOfExpression(field(tree, key)), work);
    else plpgsql(value, name, work);
  }
}

function sqlOfExpression(expression: Tree): string {
  const sql = text(expression, "query");
  switch (expression["parseMode"] ?? parseMode.statement) {
    case parseMode.statement:
      return sql;
    case parseMode.expression:
      return `select ${sql}`;
    default:
      return `select ${sql.replace(/^[^=]*?:?=/, "")}`;
  }
}
