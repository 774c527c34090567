import { readFileSync } from "node:fs";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../..");

/** A page, by its path in the repository. */
export function readPage(file: string): string {
  return readFileSync(path.join(root, file), "utf8");
}

/**
 * A page with its embedded blocks made anew. `<!-- name -->` on the line before a block says what stands in it.
 *
 * @param content By name.
 * @throws {Error} When a block names something that there is not.
 */
export function filled(page: string, content: (name: string) => string | undefined): string {
  return page.replaceAll(/(<!-- (\S+) -->\n```\w+\n)([^]*?)(```)/g, (_, before, name: string, shown: string, after) => {
    const now = content(name);
    if (now === undefined) throw new Error(`nobody knows what <!-- ${name} --> is`);
    return `${before}${keepingNumbers(shown, `${now.trimEnd()}\n`)}${after}`;
  });
}

/** What a page shows stays where only what differs from run to run has changed: how long something took, and how many runs. */
export function keepingNumbers(shown: string, now: string): string {
  return withoutNumbers(shown) === withoutNumbers(now) ? shown : now;
}

/** A text without what differs from run to run. */
export function withoutNumbers(text: string): string {
  return text
    .replaceAll(/ *\b[\d.,]+ ?(ms|s)\b/g, "")
    .replaceAll(/\d\d:\d\d:\d\d/g, "‹time›")
    .replaceAll(/(?<=\(about )[\d,]+(?=\))|[\d,]+(?= (runs|executions|schedules)\b)/g, "‹number›")
    .replaceAll(/\.[0-9a-f]{8}\.json/g, ".‹digest›.json")
    .replaceAll(/ +$/gm, "");
}
