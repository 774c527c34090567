import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a guardian may take to answer, in milliseconds. */
const patienceMs = 5_000;

let count = 0;

/** One user's hold on a shared server: while it lasts, and however its process ends, the server knows. */
export class Hold {
  #descriptor: number | undefined;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * Takes hold of the server in a directory.
   *
   * @returns Undefined when it is ending, or gone.
   */
  static async of(run: string): Promise<Hold | undefined> {
    const fifo = path.join(run, "hold");
    const until = Date.now() + patienceMs;
    const user = `${process.pid}-${Date.now()}-${count++}`;
    for (; existsSync(fifo) && Date.now() < until; await sleep(5)) {
      const descriptor = openForWriting(fifo);
      if (descriptor === undefined) continue;
      const hold = new Hold(descriptor);
      writeSync(descriptor, `${user}\n`);
      for (; Date.now() < until; await sleep(2)) {
        // Whoever is answered was there before the guardian found that nobody was left.
        if (existsSync(path.join(run, `user-${user}`))) return hold;
        if (!existsSync(fifo)) break;
      }
      hold.release();
    }
    return undefined;
  }

  release(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Undefined while nobody reads. */
function openForWriting(fifo: string): number | undefined {
  try {
    return openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
