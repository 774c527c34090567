import { failuresOf } from "./cases.js";
import { inline } from "./markdown-text.js";
import { renderCounterexampleMarkdown } from "./markdown.js";
import type { Report } from "./report.js";
import { count, visible } from "./text.js";
import { renderVerdictBrief } from "./verdict-brief.js";
import { renderVerdictMarkdown } from "./verdict-markdown.js";

/** GitHub drops a summary of more than 1 MiB as a whole; other steps of the job may write one, too. In bytes. */
const mostOfSummary = 900_000;

/** GitHub refuses comments of more characters than 65,536; in bytes, of which there are never fewer. */
const mostOfComment = 65_000;

/**
 * The verdict and the timelines of what was not to be, as Markdown for the summary of a CI job: as many timelines as fit.
 *
 * @param limit Its size, in bytes of UTF-8.
 */
export function renderJobSummary(report: Report, limit = mostOfSummary): string {
  const whole = report.verdict === null ? "" : renderVerdictMarkdown(report.verdict);
  return bounded(report, bytes(whole) <= limit / 2 ? whole : briefOf(report), limit);
}

/**
 * The same for a comment on a pull request, in which there is room for less. It begins with a line that is not shown, by which
 * whoever posts it finds the one of the last run.
 *
 * @param limit Its size, in bytes of UTF-8.
 */
export function renderComment(report: Report, limit = mostOfComment): string {
  const mark = `<!-- raceproof: ${inline(report.verdict?.model ?? "")} -->\n`;
  return mark + bounded(report, briefOf(report), limit - bytes(mark));
}

/** Where it is not the whole verdict, it says where that is. */
function briefOf({ verdict }: Report): string {
  if (verdict === null) return "";
  return `${renderVerdictBrief(verdict)}\nThe whole verdict, with its claims and its coverage, is in the files of the report.\n`;
}

function bounded(report: Report, head: string, limit: number): string {
  const parts = [fitting(head, limit / 2)];
  let left = limit - bytes(parts[0]!) - 200;
  const failures = failuresOf(report).flatMap(({ told }) => told ?? []);
  for (const [index, { counterexample, replayCommand, file }] of failures.entries()) {
    const text = `\n${renderCounterexampleMarkdown(counterexample, { replayCommand })}`;
    if (bytes(text) > left) {
      const name = visible(file);
      const where = bytes(name) < 100 ? `: see \`${inline(name)}\` and those beside it` : " in the files of the report";
      parts.push(`\n${count(failures.length - index, "more counterexample")}${where}.\n`);
      break;
    }
    parts.push(text);
    left -= bytes(text);
  }
  return parts.join("");
}

/** As many whole lines as fit. */
function fitting(text: string, limit: number): string {
  if (bytes(text) <= limit) return text;
  const otherwise = "The verdict is longer than fits here; the files of the report have it whole.";
  const kept: string[] = [];
  let size = bytes(otherwise) + 2;
  for (const line of text.split("\n")) {
    size += bytes(line) + 1;
    if (size > limit) break;
    kept.push(line);
  }
  return `${kept.join("\n")}\n\n${otherwise}\n`;
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}
