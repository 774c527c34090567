import { styleText } from "node:util";
import { lookOf } from "../report/look.js";

export { lookOf };

/** The command line that replays a file, to be pasted into a shell. */
export function replayCommandOf(file: string): string {
  return `npx raceproof replay ${shellWord(file)}`;
}

/** A word for a shell, in quotes where it needs them. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A few lines about how it goes, on stderr: drawn over themselves on a terminal, so that nothing scrolls away; the first two,
 * as one plain line, now and then elsewhere.
 */
export class LiveRegion {
  readonly #stream: NodeJS.WriteStream;
  #height = 0;
  #last = -Infinity;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  /** At the moment: somebody may change the size of the terminal. */
  get width(): number {
    return lookOf(this.#stream).width;
  }

  /** Shows them if it is time: ten times a second on a terminal, every five seconds elsewhere. */
  show(lines: readonly string[], now = performance.now()): void {
    if (now - this.#last < (this.#stream.isTTY ? 100 : 5_000)) return;
    this.#last = now;
    if (!this.#stream.isTTY) return void this.#stream.write(`${lines.slice(0, 2).join("; ")}\n`);
    const { color } = lookOf(this.#stream);
    const shown = lines.map((line) => (color ? styleText("dim", line, { validateStream: false }) : line));
    this.#stream.write(`${this.#up()}${shown.map((line) => `\u001b[2K${line}\n`).join("")}\u001b[J`);
    this.#height = lines.length;
  }

  /** Removes them, so that something lasting can be written. */
  clear(): void {
    if (this.#height > 0) this.#stream.write(`${this.#up()}\u001b[J`);
    this.#height = 0;
  }

  /** To the beginning of the first line. */
  #up(): string {
    return this.#height === 0 ? "\r" : `\r\u001b[${this.#height}A`;
  }
}

/** A line about how it goes, on stderr: one that is rewritten on a terminal, plain lines now and then elsewhere. */
export class ProgressLine {
  readonly #stream = process.stderr;
  readonly #look = lookOf(process.stderr);
  #shown = false;
  #last = 0;

  /** Shows it if it is time: ten times a second on a terminal, every five seconds elsewhere. */
  show(text: string): void {
    const now = performance.now();
    if (now - this.#last < (this.#stream.isTTY ? 100 : 5_000)) return;
    this.#last = now;
    if (!this.#stream.isTTY) return void this.#stream.write(`${text}\n`);
    const line = text.slice(0, this.#look.width - 1);
    this.#stream.write(`\r\u001b[2K${this.#look.color ? styleText("dim", line, { validateStream: false }) : line}`);
    this.#shown = true;
  }

  /** Removes the line, so that something lasting can be written. */
  clear(): void {
    if (this.#shown) this.#stream.write("\r\u001b[2K");
    this.#shown = false;
    this.#last = this.#stream.isTTY ? 0 : performance.now();
  }
}
