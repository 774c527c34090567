import { stripVTControlCharacters } from "node:util";

import { displayWidth } from "../../src/report/width.js";

// oxlint-disable-next-line no-control-regex -- finding control characters is the point
const acted = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f]/u;

/** Lines that are wider than the terminal, or have something in them that it would act on. */
export function unfit(output: string, width: number): string[] {
  return output.split("\n").filter((line) => displayWidth(line) > width || acted.test(line));
}

/** The tables of a Markdown page, as the number of cell borders of each row. */
export function bordersOf(markdown: string): number[][] {
  const tables: number[][] = [[]];
  for (const line of markdown.split("\n")) {
    if (line.startsWith("|")) tables.at(-1)?.push((line.match(/(?<!\\)\|/gu) ?? []).length);
    else if (tables.at(-1)?.length !== 0) tables.push([]);
  }
  return tables.filter((table) => table.length > 0);
}

/** Tags in a Markdown page that are not ours, outside of code spans and fenced code. */
export function foreignTags(markdown: string): string[] {
  const prose = markdown.replace(/^(`{3,})[\s\S]*?^\1$/gmu, "").replace(/`[^`\n]*`/gu, "");
  return (prose.match(/<[^>]*>?/gu) ?? []).filter(
    (tag) => !["<br>", "<code>", "</code>", "<details>", "</details>", "<summary>", "</summary>"].includes(tag),
  );
}

export const plain = stripVTControlCharacters;
