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

/** Colours spans, or joins their texts only. Whether to colour is the caller's decision, who knows where it goes. */
export function paint(spans: readonly Painted[], color: boolean): string {
  if (!color) return spans.map(({ text }) => text).join("");
  const joined: { text: string; role: Ink }[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last?.role === span.role) last.text += span.text;
    else joined.push({ ...span });
  }
  return joined.map(({ text, role }) => painted(text, formats[role])).join("");
}

function painted(text: string, format: Format | null): string {
  return format === null || text.trim() === "" ? text : styleText(format, text, { validateStream: false });
}
