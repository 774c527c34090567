/** Longest line, in characters, that an array or object is kept on as a whole. */
const longest = 120;

/** What JSON allows to stand as it is but a terminal or an editor acts on, or hides. */
const unseen =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/**
 * JSON for people: an array or object stands on one line where it fits, and else has an item on each. All of it is
 * decided by the data, so that equal data (with keys in equal order) is equal text.
 */
export function toStableJson(value: unknown): string {
  return inert(layOut(value, ""));
}

/** JSON text with escapes for what a terminal or an editor would act on. */
export function inert(json: string): string {
  return json.replace(unseen, escaped);
}

function layOut(value: unknown, indent: string): string {
  const flat = flatJson(value);
  if (typeof value !== "object" || value === null || indent.length + flat.length <= longest) return flat;
  const deeper = `${indent}  `;
  const items = Array.isArray(value)
    ? value.map((item: unknown) => layOut(item, deeper))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${layOut(item, deeper)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return `${open}\n${items.map((item) => deeper + item).join(",\n")}\n${indent}${close}`;
}

/** As `JSON.stringify` but with a space after commas and colons. */
function flatJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: unknown) => flatJson(item)).join(", ")}]`;
  const pairs = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${flatJson(item)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

/** As escapes of UTF-16 code units, which is what JSON has. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");
}
