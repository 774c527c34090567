import { foldMark, missMark } from "./lines.js";
import type { Table } from "./timeline.js";

/** What the marks in a timeline mean: of those that are used, and no others. */
export function legendOf({ rows }: Table, { brackets } = { brackets: true }): string[] {
  const roles = new Set(
    rows.flatMap(({ lines }) => lines.flatMap(({ chunks }) => chunks.flat().map(({ role }) => role))),
  );
  const marks: (readonly [boolean, string])[] = [
    [rows.some(({ switched }) => switched), "⇄ switch to another actor"],
    [rows.some(({ kind }) => kind === "completed"), "…n step n goes on"],
    [rows.some(({ kind }) => kind === "folded"), `${foldMark} folded; show --all-steps has them`],
    [brackets && rows.some(({ brackets }) => brackets.some((bracket) => bracket !== "none")), "┌│└ transaction"],
    [roles.has("parameter"), "‹ › parameter"],
    [rows.some(({ state }) => state?.some(({ changed }) => changed) ?? false), "→ in the state: changed"],
    [roles.has("miss"), `${missMark} a write that hit nothing`],
    [roles.has("yield"), "◇ yield point"],
  ];
  return marks.filter(([used]) => used).map(([, text]) => text);
}
