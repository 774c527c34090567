import type { Choice } from "../../src/strategy/strategy.js";

/** A pending step. */
export function choice(actor: string, session = actor, text = "select 1", kind: Choice["kind"] = "statement"): Choice {
  return { actor, session, kind, text, values: [] };
}
