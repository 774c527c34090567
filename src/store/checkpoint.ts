import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createGunzip, gzipSync } from "node:zlib";
import { UsageError } from "../errors.js";
import type { Journal } from "../explore/explore.js";
import { LineReader, LineWriter } from "./journal-lines.js";
import { writeWhole } from "./write.js";

const schema = "raceproof/checkpoint@1";

/** Seconds between two times that it is written, at least; and how many times as long as the last time took. */
const pause = { seconds: 1, times: 20 };

/** Characters that are compressed together. */
const chunkLength = 1 << 18;

/** What a checkpoint must be of to be gone on with, in the words of messages. */
export type Identity = Readonly<Record<string, unknown>>;

/** What has been done for one row: it is finished, with a result, or it has a journal. */
interface Row {
  result?: unknown;
  readonly reader: LineReader;
  readonly writer: LineWriter;
  /** Lines that were not compressed yet, and how many characters they have. */
  lines: string[];
  length: number;
  readonly chunks: Uint8Array[];
}

/**
 * How far a run has come, in a file: results of what is finished and, of the rest, what was learnt of each execution. The
 * file is a text of one JSON value on each line, compressed by gzip, and is only ever replaced as a whole.
 */
export class Checkpoint {
  readonly #file: string;
  readonly #identity: Identity;
  readonly #rows = new Map<string, Row>();
  #written = performance.now();
  #took = 0;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  private constructor(file: string, identity: Identity) {
    this.#file = file;
    this.#identity = identity;
  }

  /**
   * @param file A file, which need not be there.
   * @throws {UsageError} When the file is no checkpoint, is damaged, or is of another run.
   */
  static async open(file: string, identity: Identity): Promise<Checkpoint> {
    const checkpoint = new Checkpoint(file, identity);
    const found = await stat(file).catch(() => undefined);
    if (found?.isDirectory() === true) throw new UsageError(`${file} is a folder; --checkpoint wants a file`);
    if (found !== undefined) await checkpoint.#read();
    return checkpoint;
  }

  /** The result of a row that is finished; undefined for others. */
  resultOf(key: string): unknown {
    return this.#rows.get(key)?.result;
  }

  /** The journal of a row that is not. */
  journalOf(key: string): Journal {
    const row = this.#row(key);
    return {
      recall: (strand, job) => {
        try {
          return row.reader.next(strand, job);
        } catch (error) {
          throw this.#damaged(error);
        }
      },
      note: (strand, result, isKept) => {
        row.writer.put(strand, result, isKept);
        if (this.#isDue()) this.#save().catch((error: unknown) => (this.#failure ??= error));
        if (this.#failure !== undefined) throw this.#failure;
      },
    };
  }

  /** A row is finished: how it came to its result is of no interest any more. */
  async finish(key: string, result: unknown): Promise<void> {
    this.#rows.set(key, { ...newRow(key), result });
    if (this.#isDue()) await this.#save();
  }

  /** Writes what there is. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#save();
  }

  /** There is nothing left to go on with. */
  async remove(): Promise<void> {
    await this.#writing;
    await rm(this.#file, { force: true });
  }

  #row(key: string): Row {
    const row = this.#rows.get(key) ?? newRow(key);
    this.#rows.set(key, row);
    return row;
  }

  #isDue(): boolean {
    const since = performance.now() - this.#written;
    return this.#writing === undefined && since > Math.max(pause.seconds * 1000, pause.times * this.#took);
  }

  async #save(): Promise<void> {
    const begin = performance.now();
    this.#writing = writeWhole(this.#file, Buffer.concat(this.#parts()));
    try {
      await this.#writing;
    } finally {
      this.#writing = undefined;
      this.#written = performance.now();
      this.#took = this.#written - begin;
    }
  }

  /** Each compressed by itself: one after the other they are one file to gzip. */
  #parts(): Uint8Array[] {
    const parts: Uint8Array[] = [gzipSync(`${JSON.stringify({ schema, ...this.#identity })}\n`)];
    for (const [row, { result, chunks, lines }] of this.#rows) {
      if (result !== undefined) parts.push(gzipSync(`${JSON.stringify({ row, result })}\n`));
      else parts.push(...chunks, ...(lines.length === 0 ? [] : [compressed(lines)]));
    }
    return [...parts, gzipSync(`${JSON.stringify({ end: this.#rows.size })}\n`)];
  }

  async #read(): Promise<void> {
    let row: Row | undefined;
    let isFirst = true;
    let ended = false;
    try {
      for await (const line of linesOf(this.#file)) {
        if (isFirst) this.#requireSame(line);
        else if (line.startsWith('{"row":')) {
          const { row: key, result } = JSON.parse(line) as { readonly row: string; readonly result?: unknown };
          row = this.#row(key);
          row.result = result;
        } else if (line.startsWith('{"end":')) ended = true;
        else {
          row!.reader.read(line);
          append(row!, line);
        }
        isFirst = false;
      }
    } catch (error) {
      throw this.#damaged(error);
    }
    if (!ended) throw this.#damaged(new Error("its end is missing"));
    // What was read has numbers, which what is written now goes on with.
    for (const [key, { result, reader, lines, length, chunks }] of this.#rows)
      this.#rows.set(key, rowOf(reader, { lines, length, chunks, result }));
  }

  #requireSame(line: string): void {
    const found = JSON.parse(line) as Identity;
    if (found["schema"] !== schema)
      throw new UsageError(`${this.#file} is no checkpoint of this version of raceproof: name another file`);
    for (const [what, value] of Object.entries(this.#identity)) {
      const [now, then] = [value, found[what]].map((each) => JSON.stringify(each ?? null));
      if (now === then) continue;
      const both = now!.length + then!.length < 200 ? `: ${then} there, and ${now} now` : "";
      throw new UsageError(
        `${this.#file} is of another run, which had another ${what}${both}. Remove it to begin anew, or go on with the same`,
      );
    }
  }

  #damaged(error: unknown): UsageError {
    if (error instanceof UsageError) return error;
    return new UsageError(
      `${this.#file} is damaged, or is no checkpoint (${(error as Error).message}). Remove it to begin anew`,
    );
  }
}

function newRow(key: string): Row {
  const row = rowOf(new LineReader(), { lines: [], length: 0, chunks: [] });
  append(row, JSON.stringify({ row: key }));
  return row;
}

function rowOf(reader: LineReader, kept: Pick<Row, "lines" | "length" | "chunks" | "result">): Row {
  const row: Row = { ...kept, reader, writer: new LineWriter((line) => append(row, line), reader) };
  return row;
}

function append(row: Row, line: string): void {
  row.lines.push(line);
  row.length += line.length + 1;
  if (row.length < chunkLength) return;
  row.chunks.push(compressed(row.lines));
  row.lines = [];
  row.length = 0;
}

function compressed(lines: readonly string[]): Uint8Array {
  return gzipSync(`${lines.join("\n")}\n`);
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const text = createGunzip();
  source.on("error", (error) => text.destroy(error)).pipe(text);
  const lines = createInterface({ input: text, crlfDelay: Infinity });
  // readline does not pass on what goes wrong with its input.
  let failure: Error | undefined;
  text.on("error", (error) => {
    failure = error;
    lines.close();
  });
  yield* lines;
  if (failure !== undefined) throw failure;
}
