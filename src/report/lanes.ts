import type { Counterexample } from "../shrink/counterexample.js";
import type { Step } from "../execution/trace.js";

/** A line of the picture: one connection of one actor. */
export interface Lane {
  readonly session: string;
  readonly actor: string;
}

/** Steps from one to another of one lane, by their indices. */
export interface Span {
  readonly lane: number;
  readonly from: number;
  readonly to: number;
}

/** A transaction, from the step that began it to the one that ended it. */
export interface TransactionSpan extends Span {
  readonly failed: boolean;
}

/** A lock wait, from the step that asked to the one that let it go on. */
export interface WaitSpan extends Span {
  /** Lanes of those who held it up. */
  readonly holders: readonly number[];
}

/** An execution as a picture: lanes, spans and what lies across them; without any measures. */
export interface Picture {
  readonly lanes: readonly Lane[];
  /** The lane of each step. */
  readonly steps: readonly number[];
  readonly transactions: readonly TransactionSpan[];
  readonly waits: readonly WaitSpan[];
  readonly edges: readonly { readonly from: number; readonly to: number; readonly reason: string }[];
}

/** Lays an execution out in lanes. Pure. */
export function pictureOf({
  program,
  trace,
  explanation,
}: Pick<Counterexample, "program" | "trace" | "explanation">): Picture {
  const { steps } = trace;
  const actors = [...new Set([...program.actors.map(({ name }) => name), ...steps.map(({ actor }) => actor)])];
  const lanes = actors.flatMap((actor) =>
    [...new Set(steps.filter((step) => step.actor === actor).map(({ session }) => session))]
      .toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))
      .map((session) => ({ session, actor })),
  );
  const laneOf = (session: string) => lanes.findIndex((lane) => lane.session === session);
  return {
    lanes,
    steps: steps.map(({ session }) => laneOf(session)),
    transactions: lanes.flatMap(({ session, actor }, lane) => transactionsOf(steps, { session, actor, lane })),
    waits: steps.flatMap(({ index, session, wait }) =>
      wait === null
        ? []
        : [
            {
              lane: laneOf(session),
              from: index,
              to: Math.max(index, Math.min(wait.until ?? nextOf(steps, index), steps.length - 1)),
              holders: wait.holders.map(laneOf).filter((holder) => holder >= 0),
            },
          ],
    ),
    edges: (explanation?.edges ?? []).filter(({ from, to }) => steps[from] !== undefined && steps[to] !== undefined),
  };
}

/** A wait that ended by itself did so before its session went on. */
function nextOf(steps: readonly Step[], index: number): number {
  const next = steps.find((step) => step.index > index && step.session === steps[index]!.session);
  return (next?.index ?? steps.length) - 1;
}

function transactionsOf(
  steps: readonly Step[],
  { session, actor, lane }: Lane & { readonly lane: number },
): TransactionSpan[] {
  const spans: TransactionSpan[] = [];
  let open: { from: number; failed: boolean } | undefined;
  const close = (to: number) => {
    if (open !== undefined) spans.push({ lane, from: open.from, to, failed: open.failed });
    open = undefined;
  };
  for (const step of steps) {
    const { index, transaction, kind } = step;
    if (kind === "crash" && step.actor === actor) close(index);
    if (step.session !== session || kind !== "statement") continue;
    if (transaction === "none") close(index);
    else open ??= { from: index, failed: false };
    if (transaction === "failed" && open !== undefined) open.failed = true;
  }
  close(steps.length - 1);
  return spans;
}
