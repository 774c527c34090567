import type { GatedStep } from "../session/gate.js";
import { faultKinds, type FaultKind } from "../strategy/fault.js";
import type { Choice } from "../strategy/strategy.js";
import type { Fault, Program } from "./program.js";

/** A step that could be taken with something going wrong; of a crash, any step that the actor was about to take. */
export interface FaultChoice extends Choice {
  readonly fault: FaultKind;
  readonly step: GatedStep;
}

/** Opens or ends a transaction without effect, or only sets something: no error of the kinds that we inject comes from these. */
const harmless = /^\s*(begin|start|rollback|abort|set|show|savepoint|release)\b/i;
const commits = /^\s*(commit|end)\b/i;
const reads = /^\s*(select|values|table)\b/i;

/** The faults that a program still allows. */
export class Faults {
  #left: readonly Fault[];

  constructor({ faults = [] }: Program) {
    this.#left = faults;
  }

  get some(): boolean {
    return this.#left.length > 0;
  }

  /** What could go wrong with these steps now: actors in the order of the steps, then kinds, then steps. */
  choices(steps: readonly GatedStep[]): FaultChoice[] {
    const actors = new Set(steps.map(({ actor }) => actor));
    return [...actors].flatMap((actor) => {
      const own = steps.filter((step) => step.actor === actor);
      const kinds = faultKinds.filter((kind) =>
        this.#left.some((fault) => fault.actor === actor && fault.kind === kind),
      );
      return kinds.flatMap((kind) =>
        kind === "crash" ? [crashAt(own[0]!)] : own.flatMap((step) => failing(step, kind)),
      );
    });
  }

  /** It has happened. */
  use({ actor, fault }: FaultChoice): void {
    const at = this.#left.findIndex((each) => each.actor === actor && each.kind === fault);
    this.#left = this.#left.toSpliced(at, 1);
  }
}

function crashAt(step: GatedStep): FaultChoice {
  const { actor, text, values } = step;
  return { actor, session: actor, kind: "crash", text, values, fault: "crash", step };
}

function failing(step: GatedStep, fault: FaultKind): FaultChoice[] {
  const { actor, session, kind, text, values, canFail } = step;
  if (!canFail || harmless.test(text)) return [];
  // A SELECT whose answer is lost is as if it had never been asked; at COMMIT nobody waits for locks any more.
  if (fault === "lost answer" && reads.test(text)) return [];
  if (fault === "deadlock" && commits.test(text)) return [];
  return [{ actor, session, kind, text, values, fault, step }];
}

/** SQL that makes Postgres itself answer as if the statement had failed so. A COMMIT that fails ends its transaction. */
export function failureOf(fault: "serialization failure" | "deadlock", text: string): string {
  const [code, message] =
    fault === "deadlock"
      ? ["40P01", "deadlock detected"]
      : ["40001", "could not serialize access due to concurrent update"];
  const raise = `do $raceproof$ begin raise exception '${message}' using errcode = '${code}'; end $raceproof$`;
  return commits.test(text) ? `rollback; ${raise}` : raise;
}
