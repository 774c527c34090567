import type { Condition } from "../execution/model.js";
import type { RememberedReport } from "../explore/verdict.js";
import { paragraph } from "./cells.js";
import { paint, type Ink, type Painted } from "./paint.js";
import type { TerminalOptions } from "./terminal.js";
import { count, oneLine, visible } from "./text.js";

/** A counterexample that is remembered. */
export interface Listed {
  readonly file: string;
  readonly model: string;
  readonly implementation: string;
  readonly condition: Condition;
  readonly signature: string;
  readonly operations: number;
  readonly faults: number;
  readonly switches: number;
  /** When it was first committed or, where it is not, when the file was written; in ISO 8601. */
  readonly since: string;
  readonly by: "git" | "file";
  readonly state: RememberedReport["state"] | "unknown";
  /** How that is known, or why it is not. */
  readonly note: string;
}

const marks: Readonly<Record<Listed["state"], readonly [sign: string, ink: Ink, word: string]>> = {
  breaks: ["✗", "bad", "still breaks"],
  fixed: ["✓", "good", "fixed"],
  diverged: ["!", "changed", "diverged"],
  unknown: ["?", "muted", "not known"],
};

/** What a folder remembers, for a terminal: a few lines for each counterexample, by implementation. */
export function renderList(
  folder: string,
  listed: readonly Listed[],
  now: Date,
  { color, width }: Pick<TerminalOptions, "color" | "width">,
): string {
  if (listed.length === 0) return `Nothing is remembered in ${visible(folder)}.\n`;
  const groups = new Map<string, Listed[]>();
  for (const each of listed) {
    const { model, implementation, condition } = each;
    const title = `${visible(model)}, ${visible(implementation)}${condition === "read committed" ? "" : ` (${condition})`}`;
    groups.set(title, [...(groups.get(title) ?? []), each]);
  }
  const lines = [...groups].flatMap(([title, group]) => [
    ...paragraph([[{ text: title, role: "heading" }]], 0, width),
    ...group.flatMap((each) => linesOf(each, now, width)),
    [],
  ]);
  const states = (Object.keys(marks) as Listed["state"][]).flatMap((state) => {
    const times = listed.filter((each) => each.state === state).length;
    return times === 0 ? [] : [`${times} ${marks[state][2]}`];
  });
  const summary = `${count(listed.length, "counterexample")} in ${visible(folder)}: ${states.join(", ")}.`;
  return [...lines, [{ text: summary, role: "plain" as const }]].map((line) => `${paint(line, color)}\n`).join("");
}

function linesOf({ signature, state, note, file, since, by, ...size }: Listed, now: Date, width: number): Painted[][] {
  const [sign, ink, word] = marks[state];
  const parts = [
    count(size.operations, "operation"),
    ...(size.faults === 0 ? [] : [count(size.faults, "fault")]),
    `${size.switches} switch${size.switches === 1 ? "" : "es"}`,
    `${ageOf(new Date(since), now)}${by === "file" ? ", not committed" : ""}`,
  ];
  return [
    ...paragraph(
      [
        [
          { text: `${sign} `, role: ink },
          { text: oneLine(signature), role: "plain" },
        ],
      ],
      1,
      width,
    ),
    ...paragraph([[{ text: `${word}: ${oneLine(note)}`, role: ink }]], 3, width),
    ...paragraph([[{ text: parts.join(" · "), role: "muted" }]], 3, width),
    // Whole, however narrow the terminal: it is there to be copied.
    [{ text: `   ${visible(file)}`, role: "command" }],
  ];
}

const units: readonly (readonly [seconds: number, noun: string])[] = [
  [365 * 86_400, "year"],
  [30 * 86_400, "month"],
  [7 * 86_400, "week"],
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
];

/** How long ago, in the largest unit that fits. */
function ageOf(since: Date, now: Date): string {
  const seconds = (now.getTime() - since.getTime()) / 1000;
  const unit = units.find(([length]) => seconds >= length);
  return unit === undefined ? "just now" : `${count(Math.floor(seconds / unit[0]), unit[1])} ago`;
}
