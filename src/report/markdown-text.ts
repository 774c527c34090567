import { visible } from "./text.js";

/**
 * Text that Markdown shows as it is, in a table cell too: what could begin markup is escaped. A `|` and a `\` become
 * character references, since renderers disagree about a backslash before a pipe in a table.
 */
export function inline(text: string): string {
  return visible(text)
    .replace(/[&<>|`\\]/gu, (character) => reference(character))
    .replace(/[*~[\]]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\$&");
}

/** Text in code type. As a code span where that is enough, since that is also readable in the source. */
export function code(text: string): string {
  const shown = visible(text).trim();
  if (shown === "") return "";
  if (!/[`|\\]/u.test(shown)) return `\`${shown}\``;
  return `<code>${shown.replace(/[&<>|`\\*_~[\]]/gu, (character) => reference(character))}</code>`;
}

/** Text in bold type; what is given is Markdown already. */
export function bold(markdown: string): string {
  return markdown === "" ? "" : `**${markdown}**`;
}

/** A row of a table; what is given is Markdown without line breaks. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** The first two lines of a table. */
export function tableHead(cells: readonly string[], numbers = 0): string[] {
  return [tableRow(cells), tableRow(cells.map((_, index) => (index < numbers ? "--:" : "---")))];
}

/** Lines to copy as they are. */
export function fenced(lines: readonly string[], language: string): string[] {
  const runs = lines.flatMap((line) => line.match(/`+/gu) ?? []).map((run) => run.length);
  const fence = "`".repeat(Math.max(2, ...runs) + 1);
  return [fence + language, ...lines.map((line) => visible(line)), fence];
}

function reference(character: string): string {
  return { "&": "&amp;", "<": "&lt;", ">": "&gt;" }[character] ?? `&#${character.codePointAt(0)};`;
}
