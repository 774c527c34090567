import { failuresOf } from "./cases.js";
import { inline } from "./markdown-text.js";
import { renderCounterexampleMarkdown } from "./markdown.js";
import type { Report } from "./report.js";
import { count } from "./text.js";
import { renderVerdictMarkdown } from "./verdict-markdown.js";

/** GitHub drops a summary of more than 1 MiB as a whole; other steps of the job may write one, too. In bytes. */
const most = 900_000;

/**
 * The verdict and the timelines of what was not to be, as Markdown for the summary of a CI job: as many timelines as fit.
 *
 * @param limit Its size, in bytes of UTF-8.
 */
export function renderJobSummary(report: Report, limit = most): string {
  const { verdict } = report;
  const head = verdict === null ? "" : renderVerdictMarkdown(verdict);
  const parts = [fitting(head, limit / 2, "The verdict is longer than fits here; its file has it whole.")];
  let left = limit - bytes(parts[0]!) - 200;
  const failures = failuresOf(report).flatMap(({ told }) => told ?? []);
  for (const [index, { counterexample, replayCommand, file }] of failures.entries()) {
    const text = `\n${renderCounterexampleMarkdown(counterexample, { replayCommand })}`;
    if (bytes(text) > left) {
      parts.push(
        `\n${count(failures.length - index, "more counterexample")}: see \`${inline(file)}\` and those beside it.\n`,
      );
      break;
    }
    parts.push(text);
    left -= bytes(text);
  }
  return parts.join("");
}

/** As many whole lines as fit. */
function fitting(text: string, limit: number, otherwise: string): string {
  if (bytes(text) <= limit) return text;
  const lines = text.split("\n");
  const kept: string[] = [];
  let size = bytes(otherwise) + 2;
  for (const line of lines) {
    size += bytes(line) + 1;
    if (size > limit) break;
    kept.push(line);
  }
  return `${kept.join("\n")}\n\n${otherwise}\n`;
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}
