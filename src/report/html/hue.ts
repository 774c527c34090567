import type { Counterexample } from "../../shrink/counterexample.js";

/** How many hues the style sheet has. */
const hues = 6;

/** The class that gives an actor its colour; actors keep it everywhere on a page. */
export function hueOf(
  { program, trace, original = [] }: Pick<Counterexample, "program" | "trace" | "original">,
  actor: string,
): string {
  const actors = [
    ...new Set([...program.actors.map(({ name }) => name), ...[...trace.steps, ...original].map((step) => step.actor)]),
  ];
  return `hue${Math.max(0, actors.indexOf(actor)) % hues}`;
}
