/** Tried in this order: comments, texts between quotes or dollars, quoted names, the end of a statement, anything else. */
const pieces =
  /(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)|(?<quoted>[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|\$(?<tag>\w*)\$[\s\S]*?\$\k<tag>\$|"(?:[^"]|"")*")|(?<end>;)|[\s\S]/g;

/**
 * The statements of a text as far as it matters what they do: in lower case, on one line each, without comments, and with
 * an empty text where there was one between quotes. (A function in the SQL standard's own `begin atomic … end` comes in pieces.)
 */
export function statementsOf(sql: string): string[] {
  const bare = sql.replace(pieces, (piece, ...rest) => {
    const { comment, quoted, end } = rest.at(-1) as Record<string, string | undefined>;
    if (comment !== undefined) return " ";
    if (quoted !== undefined) return quoted.startsWith('"') ? quoted.replace(/[";]/g, "_") : "''";
    return end === undefined ? piece : ";";
  });
  return bare
    .toLowerCase()
    .split(";")
    .map((statement) => statement.replace(/\s+/g, " ").trim())
    .filter((statement) => statement !== "");
}
