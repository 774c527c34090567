/** The last lines that a server said, to be put after a sentence; an empty text where it said nothing. */
export function lastWords(log: string): string {
  const lines = log.trimEnd().split("\n").slice(-10);
  return log.trim() === "" ? "" : ` The end of its log:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
