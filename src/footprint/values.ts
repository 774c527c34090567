import type { ColumnType } from "./catalog.js";

/**
 * A value that a column is compared with or set to, in a form in which *different texts are different values*. Values for
 * which that cannot be said have no such form. A fresh one is made by Postgres (`nextval`, `gen_random_uuid`) and differs
 * from every other fresh one of the same source.
 */
export type Value = { readonly text: string } | { readonly fresh: string };

/** Rows of one table: those whose columns each have one of the values given. Without columns: all rows. */
export type Rows = ReadonlyMap<string, readonly Value[]>;

export const allRows: Rows = new Map();

/** Whether two sets of rows of one table may have a row in common. */
export function mayOverlap(some: Rows, others: Rows): boolean {
  for (const [column, values] of some) {
    const their = others.get(column);
    if (their?.every((theirs) => values.every((value) => areDifferent(value, theirs))) === true) return false;
  }
  return true;
}

function areDifferent(a: Value, b: Value): boolean {
  if ("text" in a && "text" in b) return a.text !== b.text;
  return "fresh" in a && "fresh" in b && a.fresh === b.fresh && a !== b;
}

/**
 * The form of a value for comparing.
 *
 * @param given A literal's text, or a parameter as the code under test gave it to the driver.
 * @returns Undefined where it cannot be told which other values it equals: NULL, types whose values have several
 *   spellings, collations that find different texts equal, arrays, objects.
 */
export function valueOf(given: unknown, type: ColumnType): Value | undefined {
  const text = textOf(given);
  if (text === undefined) return undefined;
  const canonical = forms[type.family]?.(text, type);
  return canonical === undefined ? undefined : { text: canonical };
}

/** What is sent to Postgres for a literal or a plain parameter; undefined for what only the driver can spell. */
export function textOf(given: unknown): string | undefined {
  if (typeof given === "string") return given;
  const isPlain = typeof given === "number" || typeof given === "bigint" || typeof given === "boolean";
  return isPlain ? String(given) : undefined;
}

const forms: Readonly<Partial<Record<ColumnType["family"], (text: string, type: ColumnType) => string | undefined>>> = {
  integer: wholeNumber,
  // A scale rounds what is stored.
  numeric: (text, { limited }) => (limited ? wholeNumber(text) : decimal(text)),
  // What is too long loses trailing spaces on its way into `varchar(n)`, and `char(n)` does not see them.
  text: (text) => text.replace(/ +$/, ""),
  uuid: (text) => {
    const digits = text.replaceAll(/[{}-]/g, "").toLowerCase();
    return /^[0-9a-f]{32}$/.test(digits) ? digits : undefined;
  },
  boolean: (text) => {
    if (/^(t|true|y|yes|on|1)$/i.test(text)) return "true";
    return /^(f|false|n|no|off|0)$/i.test(text) ? "false" : undefined;
  },
  enum: (text) => text,
};

function wholeNumber(text: string): string | undefined {
  const match = /^\s*([+-]?\d+)(\.0*)?\s*$/.exec(text);
  return match === null ? undefined : String(BigInt(match[1]!.replace("+", "")));
}

function decimal(text: string): string | undefined {
  const match = /^\s*([+-]?)(\d+)(?:\.(\d*))?\s*$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = ""] = match;
  const digits = `${BigInt(whole!)}${`.${fraction}`.replace(/\.?0*$/, "")}`;
  return sign === "-" && digits !== "0" ? `-${digits}` : digits;
}
