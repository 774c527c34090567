import { RaceproofError, UsageError } from "../errors.js";
import { withPlace, type Broken } from "./model.js";

/**
 * What an invariant that looks by itself found. It fails as an assertion of a test does, by throwing, or returns what is
 * broken, or false.
 *
 * @throws {UsageError} When it made a mistake of its own: what Postgres or JavaScript itself throws is no broken invariant.
 */
export async function lookWith(name: string, look: () => unknown): Promise<Broken | undefined> {
  try {
    const answer: unknown = await look();
    if (answer === false) return "it is not so";
    return typeof answer === "string" || isBroken(answer) ? answer : undefined;
  } catch (error) {
    if (error instanceof RaceproofError) throw error;
    if (!(error instanceof Error)) return String(error);
    const mistake = /^(Type|Reference|Syntax|Range)Error$/.test(error.name);
    const postgres = typeof (error as { severity?: unknown }).severity === "string";
    if (mistake || postgres) throw new UsageError(`the invariant "${name}" threw ${withPlace(error)}`);
    return plain(error.message);
  }
}

function isBroken(answer: unknown): answer is Exclude<Broken, string> {
  // `() => expect(…).toBe(…)` returns something that throws when it is asked for what it has not.
  if (typeof answer !== "object" || answer === null || Object.getPrototypeOf(answer) !== Object.prototype) return false;
  const { way, message } = answer as { way?: unknown; message?: unknown };
  return typeof way === "string" && typeof message === "string";
}

/** The colours that assertion libraries put into messages are no part of them. */
function plain(message: string): string {
  // oxlint-disable-next-line no-control-regex -- that is what an escape sequence begins with
  return message.replace(/\u001b\[[\d;]*m/g, "");
}
