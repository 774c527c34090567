import { characters } from "./text.js";

/**
 * Blocks whose characters take two columns: East_Asian_Width W and F of Unicode 16 (EastAsianWidth.txt), by whole blocks
 * and without emoji, which JavaScript's regular expressions know by themselves. Ambiguous characters count as narrow.
 */
const wide =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u3247\u3250-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u;
const emoji = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\d#*]\ufe0f?\u20e3/u;
const weightless = /^[\p{Mark}\p{Default_Ignorable_Code_Point}\p{Control}]+$/u;
const plain = /^[\u0020-\u007e]*$/u;

/** How many columns of a terminal the text takes. Terminals differ on emoji sequences; this goes by what most do. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  return characters(text).reduce((sum, character) => sum + characterWidth(character), 0);
}

function characterWidth(character: string): number {
  if (weightless.test(character)) return 0;
  return emoji.test(character) || wide.test(character) ? 2 : 1;
}

/** The text followed by spaces up to `width` columns. */
export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/** The text when it fits into `width` columns, else its beginning with `…` at the end. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const character of characters(text)) {
    used += displayWidth(character);
    if (used > width) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Anything with a text; what else it carries (a role, say) goes along with every piece of it. */
interface Piece {
  readonly text: string;
}

/** What stands between two spaces; it may consist of several pieces. */
interface Word<P extends Piece> {
  /** The spaces before it. */
  readonly gap: string;
  readonly pieces: readonly P[];
  readonly width: number;
}

/**
 * Breaks chunks into lines of at most `width` columns (at least 2). A chunk starts on a new line when the rest of the
 * current one is too short for it; one that is longer than a line goes on with its words, indented.
 */
export function wrap<P extends Piece>(chunks: readonly (readonly P[])[], width: number, indent = 2): P[][] {
  const room = Math.max(2, width);
  const hanging = room < indent * 4 ? 0 : indent;
  const lines: P[][] = [];
  let used = room;
  let broken = false;
  for (const chunk of chunks) {
    const words = wordsOf(chunk);
    if (words.length === 0) continue;
    const length = words.reduce((sum, { gap, width }) => sum + gap.length + width, 0);
    // After a chunk that took several lines, the next one would be hard to find in the middle of its last line.
    const follows = !broken && used + 1 + length <= room;
    const above: number = lines.length + (follows ? 0 : 1);
    if (!follows) used = startLine(lines, 0);
    for (const [index, word] of words.entries()) {
      const gap = index > 0 ? word.gap : follows ? " " : "";
      if (used + gap.length + word.width <= room) used = append(lines, gap, word.pieces, used);
      else if (hanging + word.width <= room)
        used = append(lines, "", word.pieces, startLine(lines, hanging, word.pieces[0]));
      else used = appendLong(lines, gap, word.pieces, { used, room, hanging });
    }
    broken = lines.length > above;
  }
  return lines;
}

/** {@link wrap} for text without roles. */
export function wrapText(text: string, width: number, indent = 0): string[] {
  return wrap([[{ text }]], width, indent).map((line) => line.map((piece) => piece.text).join(""));
}

/** The columns of all pieces together. */
export function widthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + displayWidth(piece.text), 0);
}

function wordsOf<P extends Piece>(chunk: readonly P[]): Word<P>[] {
  const words: { gap: string; pieces: P[]; width: number }[] = [];
  let gap: string | null = "";
  for (const piece of chunk) {
    for (const text of piece.text.split(/( +)/u)) {
      if (text === "") continue;
      if (text.startsWith(" ")) {
        gap = (gap ?? "") + text;
        continue;
      }
      if (gap !== null) words.push({ gap: words.length === 0 ? "" : gap, pieces: [], width: 0 });
      gap = null;
      const word = words.at(-1);
      word?.pieces.push({ ...piece, text });
      if (word !== undefined) word.width += displayWidth(text);
    }
  }
  return words;
}

/** Begins a line, and tells how much of it is taken. */
function startLine<P extends Piece>(lines: P[][], indent: number, like?: P): number {
  lines.push(like === undefined || indent === 0 ? [] : [{ ...like, text: " ".repeat(indent) }]);
  return indent;
}

/** Adds to the last line, and tells how much of it is taken. */
function append<P extends Piece>(lines: P[][], gap: string, pieces: readonly P[], used: number): number {
  const [first] = pieces;
  if (gap !== "" && first !== undefined) lines.at(-1)?.push({ ...first, text: gap });
  lines.at(-1)?.push(...pieces);
  return used + gap.length + widthOf(pieces);
}

/** A word that is longer than a line is broken after punctuation, and where that is not enough, anywhere. */
function appendLong<P extends Piece>(
  lines: P[][],
  gap: string,
  pieces: readonly P[],
  { used, room, hanging }: { readonly used: number; readonly room: number; readonly hanging: number },
): number {
  let taken = used;
  let before = gap;
  const add = (part: P): boolean => {
    const fits = taken + before.length + displayWidth(part.text) <= room;
    if (fits) taken = append(lines, before, [part], taken);
    if (fits) before = "";
    return fits;
  };
  for (const piece of pieces) {
    for (const text of piece.text.match(/[^(,._/=:]*[(,._/=:]+|[^(,._/=:]+/gu) ?? []) {
      if (add({ ...piece, text })) continue;
      if (taken > hanging) taken = startLine(lines, hanging, piece);
      before = "";
      if (add({ ...piece, text })) continue;
      for (const character of characters(text)) {
        if (add({ ...piece, text: character })) continue;
        taken = startLine(lines, hanging, piece);
        add({ ...piece, text: character });
      }
    }
  }
  return taken;
}
