import { styleText } from "node:util";

import type { Role } from "./lines.js";

/** What a renderer may colour: the roles of the timeline, and its own. */
export type Ink = Role | "plain" | "heading" | "actor" | "rule" | "changed" | "good" | "bad" | "command" | "bracket";

type Format = Parameters<typeof styleText>[0];

const formats: Readonly<Record<Ink, Format | null>> = {
  plain: null,
  sql: null,
  verb: "bold",
  parameter: "cyan",
  operation: "blue",
  yield: "magenta",
  wait: "yellow",
  outcome: "dim",
  miss: ["bold", "red"],
  stale: ["bold", "yellow"],
  error: "red",
  muted: "dim",
  heading: "bold",
  actor: "bold",
  rule: "dim",
  changed: ["bold", "yellow"],
  good: "green",
  bad: ["bold", "red"],
  command: "cyan",
  bracket: "dim",
};

/** Text as it is to be coloured. */
export interface Painted {
  readonly text: string;
  readonly role: Ink;
}

/** A line in colour, or as text only; spaces at its end are dropped. Whether to colour is up to the caller, who knows where it goes. */
export function paint(line: readonly Painted[], color: boolean): string {
  const spans = trimmed(line);
  if (!color) return spans.map(({ text }) => text).join("");
  const joined: { text: string; role: Ink }[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last?.role === span.role) last.text += span.text;
    else joined.push({ ...span });
  }
  return joined.map(({ text, role }) => painted(text, formats[role])).join("");
}

function trimmed(line: readonly Painted[]): Painted[] {
  const last = line.findLastIndex(({ text }) => text.trimEnd() !== "");
  return line.slice(0, last + 1).map((span, index) => (index === last ? { ...span, text: span.text.trimEnd() } : span));
}

function painted(text: string, format: Format | null): string {
  return format === null || text.trim() === "" ? text : styleText(format, text, { validateStream: false });
}
