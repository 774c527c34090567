import { memo } from "../memo.js";

/** What a clock or a random source writes into the text of a statement: a time, or a UUID. */
const made = [
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: ?(?:Z\b|[+-]\d\d(?::?\d\d)?\b))?/g, "‹time›"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "‹id›"],
] as const;

/**
 * The text of a statement as two runs of the same code have it alike: without line breaks, and with stand-ins for the times
 * and ids that libraries write into it instead of passing them as parameters.
 */
export const comparable: (text: string) => string = memo((text) => {
  const line = text.replace(/\s+/g, " ").trim();
  return made.reduce((all, [pattern, standIn]) => all.replace(pattern, standIn), line);
});
