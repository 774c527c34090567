import type { Counterexample } from "../shrink/counterexample.js";
import type { Place } from "./place.js";

/** What a race test fails with: the counterexample as a timeline. */
export class RaceError extends Error {
  override readonly name = "RaceError";
  readonly counterexample: Counterexample;

  /**
   * @param message Its first line says what broke; the timeline follows.
   * @param place Where the test stands: the error leads there, and not into our own code.
   */
  constructor(message: string, counterexample: Counterexample, place: Place | undefined) {
    super(message);
    this.counterexample = counterexample;
    // Runners print every property of an error, and this one has been told.
    Object.defineProperty(this, "counterexample", { enumerable: false });
    leadTo(this, place);
  }

  /** For runners that pass errors on from their workers with all of their properties, enumerable or not, to print them. */
  toJSON(): { name: string; message: string; stack: string | undefined } {
    return { name: this.name, message: this.message, stack: this.stack };
  }
}

/** Makes the stack of an error lead to a place. */
export function leadTo<E extends Error>(error: E, place: Place | undefined): E {
  if (place !== undefined) error.stack = `${error.name}: ${error.message}\n${place.stack}`;
  return error;
}

/**
 * How the counterexample is run again, by the same test.
 *
 * @param name What the runner calls the test, where that is known.
 */
export function replayCommand(file: string, name: string | undefined, testFile = "FILE"): string {
  const { VITEST, JEST_WORKER_ID } = process.env;
  const runner = VITEST !== undefined ? "npx vitest run" : JEST_WORKER_ID !== undefined ? "npx jest" : "node --test";
  const filter = name === undefined || runner === "node --test" ? "" : ` -t ${quoted(pattern(name))}`;
  return `RACEPROOF_REPLAY=${quoted(file)} ${runner} ${quoted(testFile)}${filter}`;
}

function pattern(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The schedule as it can be pasted into a test. */
export function scheduleLiteral({ schedule }: Counterexample): string {
  const switches = schedule.map(({ step, to, fault }) => {
    const wrong = fault === undefined ? "" : `, fault: ${JSON.stringify(fault)}`;
    return `{ step: ${step}, to: ${JSON.stringify(to)}${wrong} }`;
  });
  return `[${switches.join(", ")}]`;
}
