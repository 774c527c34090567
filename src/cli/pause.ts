import type { Moment, Pause } from "../execution/execution.js";
import type { AnyModel } from "../execution/model.js";
import { describeStep } from "../report/lines.js";
import { cut, oneLine, visible } from "../report/text.js";
import { shellWord } from "./terminal.js";

/** Whoever looks on has seen enough, or the process is to end. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

type Command = "step" | "continue" | "quit";

const help = "step (s, Enter), continue (c) or quit (q)";

/**
 * Pauses before a step, with everything as it is: the server runs, transactions are open, sessions wait. What is typed
 * decides how it goes on: a key on a terminal, and else a line.
 *
 * @param number Of the step, from 1 as reports count them.
 * @throws {Stopped} From the pause, when it is told to quit, or the signal is aborted.
 */
export function pauseAt(number: number, model: AnyModel, signal: AbortSignal): Pause {
  const commands = new Commands(signal);
  let runs = false;
  return async (moment) => {
    if (runs || moment.taken + 1 < number) return;
    process.stdout.write(momentText(moment, model));
    const command = moment.next === undefined ? "continue" : await commands.next();
    if (command === "quit") throw new Stopped();
    if (command === "continue") {
      runs = true;
      commands.close();
    }
  };
}

function momentText({ taken, last, next, waiting, address }: Moment, { state }: AnyModel): string {
  const { host, port, user, database } = address;
  const psql = ["psql", "-h", host, "-p", String(port), "-U", user, "-d", database];
  const queries = Object.values(state ?? {}).flatMap((sql) => ["-c", oneLine(sql)]);
  const lines = [
    ...(last === undefined ? [] : [`${String(taken).padStart(3)}  ${describeStep(last)}`]),
    ...(waiting.length === 0 ? [] : [`     waiting for a lock: ${waiting.map((name) => visible(name)).join(", ")}`]),
    next === undefined
      ? "     that was the last step"
      : `     paused before step ${taken + 1}: ${visible(next.session)}: ${next.fault === undefined ? "" : `${next.fault}, `}${cut(oneLine(next.text), 200)}`,
    `     look at it with: ${[...psql, ...queries].map(shellWord).join(" ")}`,
    ...(next === undefined ? [] : [`     ${help}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** What is typed: keys where there is a terminal, and else lines. */
class Commands {
  readonly #signal: AbortSignal;
  readonly #typed: Command[] = [];
  #rest = "";
  #hasEnded = false;
  #wake: () => void = () => undefined;
  #isOpen = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake());
  }

  /** @throws {Stopped} When the signal is aborted. */
  async next(): Promise<Command> {
    this.#open();
    for (;;) {
      if (this.#signal.aborted) {
        this.close();
        throw new Stopped();
      }
      const command = this.#typed.shift();
      if (command !== undefined) {
        if (command === "quit") this.close();
        return command;
      }
      // Nobody is there to say so.
      if (this.#hasEnded) return "continue";
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    const { stdin } = process;
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    const { stdin } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.setEncoding("utf8");
    stdin.on("data", (text: string) => this.#read(text));
    stdin.on("end", () => {
      this.#hasEnded = true;
      this.#wake();
    });
    stdin.resume();
  }

  #read(text: string): void {
    if (process.stdin.isTTY) {
      for (const key of text) this.#key(key);
    } else {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      for (const line of lines) this.#say(line.trim());
    }
    this.#wake();
  }

  #key(key: string): void {
    // In raw mode the terminal makes no signal of it.
    if (key === "\u0003") process.kill(process.pid, "SIGINT");
    else this.#say(key === "\r" ? "" : key);
  }

  #say(word: string): void {
    const command = (["step", "continue", "quit"] as const).find(
      (each) => each === word || each[0] === word || (each === "step" && word === ""),
    );
    if (command === undefined) process.stderr.write(`raceproof: not understood: ${visible(word)}; ${help}\n`);
    else this.#typed.push(command);
  }
}
