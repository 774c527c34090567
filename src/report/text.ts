import type { Json } from "../execution/program.js";

/**
 * What may change how the text around it is shown without being seen itself: controls (ESC among them), bidirectional
 * overrides and marks, zero-width characters, separators, tags, and halves of surrogate pairs. The joiners U+200C and
 * U+200D stay, as scripts and emoji need them.
 */
const unseen =
  // oxlint-disable-next-line no-control-regex -- finding control characters is the point
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/**
 * The text with everything that a terminal or a browser would act on, rather than show, replaced by something that can
 * be seen: `␛` for ESC, `␊` for a newline, `\u{202e}` for a right-to-left override.
 */
export function visible(text: string): string {
  return text.replace(unseen, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? "␡" : `\\u{${code.toString(16)}}`;
  });
}

/** The text on one line: runs of whitespace are one space, and what cannot be seen is made visible. */
export function oneLine(text: string): string {
  return visible(text.replace(/\s+/gu, " ").trim());
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Characters of European scripts, punctuation and arrows: each is one for a reader, too. */
const standsAlone = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u21ff\u2500-\u25ff]*$/u;

/** What a reader takes for one character each. */
export function characters(text: string): string[] {
  if (standsAlone.test(text)) return Array.from(text);
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** At most `limit` characters of the text; `…` is the last of them when something is missing. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const begin = text.slice(0, limit + 1);
  if (standsAlone.test(begin)) return `${begin.slice(0, limit - 1)}…`;
  // Far more code units than any grapheme that is meant seriously needs: hostile input must not cost seconds.
  const head = characters(text.slice(0, limit * 16));
  if (head.length <= limit && text.length <= limit * 16) return text;
  return `${head.slice(0, limit - 1).join("")}…`;
}

const grouped = new Intl.NumberFormat("en-US");

/** `1 row`, `10,000 rows`. */
export function count(number: number, noun: string): string {
  return `${grouped.format(number)} ${number === 1 ? noun : `${noun}s`}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function enumerate(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** A value as a person would write it down: `{run: 1, partitions: [1, 2], note: "late"}`. Cut to `limit` characters. */
export function brief(value: Json, limit = 80): string {
  return cut(visible(jotted(value)), limit);
}

/** What an operation is called with: `run 1, outcome late` for an object, any other value as {@link brief} has it. */
export function briefArguments(value: Json, limit = 80): string {
  if (value === null) return "";
  if (typeof value !== "object" || Array.isArray(value)) return brief(value, limit);
  return joined(
    Object.entries(value).map(([name, value]) => `${name} ${bare(value)}`),
    limit,
  );
}

/** A row as Postgres would name it: `id=7, status=failed`. */
export function briefRow(row: Json, limit = 60): string {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return brief(row, limit);
  return joined(
    Object.entries(row).map(([column, value]) => `${column}=${bare(value)}`),
    limit,
  );
}

/** As many of the items as fit, `…` for the others. */
function joined(items: readonly string[], limit: number): string {
  let text = "";
  for (const [index, item] of items.entries()) {
    const longer = text === "" ? visible(item) : `${text}, ${visible(item)}`;
    // Room is left to say that there is more.
    if (longer.length > (index === items.length - 1 ? limit : limit - 3))
      return text === "" ? cut(longer, limit) : `${text}, …`;
    text = longer;
  }
  return text;
}

/**
 * A value without quotation marks where they tell little: `failed`, but `"null"` and `""`. Digits go without as well, as
 * `pg` gives every bigint as a string.
 */
export function bare(value: Json): string {
  if (typeof value !== "string") return jotted(value);
  const ambiguous = value.trim() !== value || value === "" || /^(?:null|true|false)$/iu.test(value);
  return ambiguous ? JSON.stringify(value) : value;
}

function jotted(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: Json) => jotted(item)).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${/^[\w$]+$/u.test(key) ? key : JSON.stringify(key)}: ${jotted(item)}`)
    .join(", ")}}`;
}
