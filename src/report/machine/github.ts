import { createHash } from "node:crypto";
import { failuresOf, type Case } from "../cases.js";
import { decisivePlace } from "../place.js";
import type { Report, Told } from "../report.js";
import { cut, oneLine, visible } from "../text.js";
import { confirmedText, reasonsOf, sentenceText, whyOf } from "../why.js";

/** GitHub shows so many annotations of one kind of one step, and drops the others without a word. */
const shown = 10;

/**
 * Workflow commands that GitHub turns into annotations, at the source line of the decisive statement: one for each
 * counterexample that was not to be, at most ten in all, of which the last says how many there are where they are more.
 */
export function renderGitHub(report: Report): string {
  const failures = failuresOf(report);
  // What has a place in the code is worth more than what has none.
  const sorted = failures.toSorted((a, b) => Number(placeOf(b) !== undefined) - Number(placeOf(a) !== undefined));
  const commands = (failures.length > shown ? sorted.slice(0, shown - 1) : sorted).map(annotation);
  const left = failures.length - commands.length;
  if (left > 0) commands.push(command({ title: "raceproof" }, `and ${left} more; the report has them all`));
  return commands.map((line) => `${line}\n`).join("");
}

function placeOf({ told }: Case) {
  return told === undefined ? undefined : decisivePlace(told.counterexample);
}

function annotation(failure: Case): string {
  const { implementation, condition, invariant, message, told } = failure;
  const place = placeOf(failure);
  const lines = [message, ...(told === undefined ? [] : reasonsAndProof(told))];
  const title = `${implementation}, ${condition}: ${invariant}`;
  return command(
    { ...(place === undefined ? {} : { file: place.file, line: String(place.line) }), title: cut(oneLine(title), 200) },
    lines.map((line) => cut(oneLine(line), 1_000)).join("\n"),
  );
}

/** Why it broke, the two steps to swap, that it really happened, and how to run it again. */
function reasonsAndProof({ counterexample, replayCommand }: Told): string[] {
  const why = whyOf(counterexample);
  const sentences = [...reasonsOf(why), ...why.proof].map(sentenceText);
  return [...sentences, confirmedText(counterexample), replayCommand];
}

function command(properties: Readonly<Record<string, string>>, message: string): string {
  const named = Object.entries(properties).map(([key, value]) => `${key}=${propertyText(value)}`);
  return `::error ${named.join(",")}::${dataText(message)}`;
}

/**
 * Text for a job's log, in which GitHub's runners look for commands: in no line of it they find one. The word that ends this
 * follows from the text, so nothing in the text can be it.
 */
export function withoutCommands(text: string): string {
  const word = createHash("sha256").update(text).digest("hex");
  return `::stop-commands::${word}\n${text.endsWith("\n") ? text : `${text}\n`}::${word}::\n`;
}

/** As `@actions/core` escapes them: what is in them cannot end the command, or begin another. */
function dataText(text: string): string {
  return text
    .split("\n")
    .map((line) => visible(line))
    .join("\n")
    .replaceAll("%", "%25")
    .replaceAll("\r", "%0D")
    .replaceAll("\n", "%0A");
}

function propertyText(text: string): string {
  return dataText(visible(text)).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
