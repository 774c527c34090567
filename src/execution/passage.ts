import { UsageError } from "../errors.js";
import type { Connections } from "../session/connections.js";
import { runAs } from "../session/context.js";
import type { Gate, GatedStep } from "../session/gate.js";

/** Who runs what is no actor's: migrations, set-up, invariants that look by themselves. */
const name = "raceproof";

/**
 * Runs code on a lane's database outside of any schedule: whatever pools it uses lead there, and its statements go
 * through at once.
 *
 * @param what What to call it when it leaves a transaction or a connection behind.
 * @param note Called with each statement.
 * @throws {UsageError} When it leaves something behind that the actors would meet.
 */
export async function pass<T>(
  connections: Connections,
  what: string,
  note: ((text: string) => void) | undefined,
  body: () => T | Promise<T>,
): Promise<T> {
  const gate = new Passage(connections, note);
  const context = { gate, actor: name, operation: 0 };
  const end = (): Promise<string[]> => {
    gate.over = true;
    return connections.tidy();
  };
  let result: T;
  try {
    const begun = runAs(context, async (): Promise<T> => body());
    result = await Promise.race([begun, gate.failed]);
  } catch (error) {
    await end();
    throw error;
  }
  const left = await end();
  if (left.length > 0) throw new UsageError(`${what} did not clean up after itself: ${left.join("; ")}`);
  return result;
}

class Passage implements Gate {
  readonly clock = undefined;
  readonly wantsCallers = false;
  over = false;
  /** Rejects when its code fails where nobody catches it. */
  readonly failed: Promise<never>;
  #reject: (error: unknown) => void = () => undefined;
  readonly #underway = new Set<GatedStep>();
  readonly #slots = new Set<number>();
  readonly #note: ((text: string) => void) | undefined;

  constructor(
    readonly connections: Connections,
    note: ((text: string) => void) | undefined,
  ) {
    this.#note = note;
    this.failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.failed.catch(() => undefined);
  }

  arrived(step: GatedStep): void {
    if (this.over) return step.refuse(this.tooLate());
    this.#underway.add(step);
    if (step.kind === "statement") this.#note?.(step.text);
    step.go();
    this.changed();
  }

  changed(): void {
    for (const step of this.#underway) {
      if (step.outcome === undefined) continue;
      this.#underway.delete(step);
      step.deliver();
    }
  }

  busy(): (next: () => void) => void {
    return (next) => next();
  }

  queued(): (next: () => void) => void {
    return (next) => next();
  }

  takeSlot(): number {
    let slot = 1;
    while (this.#slots.has(slot)) slot++;
    this.#slots.add(slot);
    return slot;
  }

  giveBack(_actor: string, slot: number): void {
    this.#slots.delete(slot);
  }

  crashed(_context: unknown, error: unknown): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  uncontrolled(): void {
    // Setting up may use whatever it likes.
  }

  isDead(): boolean {
    return false;
  }

  tooLate(): Error {
    return new UsageError("a statement of setup or of an invariant came after it had ended: await it");
  }
}
