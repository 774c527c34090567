import type { CheckProgress } from "../check/options.js";
import { count } from "../report/text.js";
import { cutToWidth } from "../report/width.js";

type Underway = Extract<CheckProgress, { phase: "explore" | "shrink" }>;

/** How far a check is, in a few lines that stay in their places: which row, how far it is, and how long it may take. */
export class CheckView {
  readonly #begin: number;
  #rowBegin: number;
  #row = 0;
  #violations = 0;
  #executions = 0;
  /** Executions of the row at hand. */
  #own = 0;

  /** @param now In milliseconds, as all times here. */
  constructor(now: number) {
    this.#begin = now;
    this.#rowBegin = now;
  }

  /** Takes note of what has happened; returns the lines to show, none once a row is done. */
  note(event: Exclude<CheckProgress, { phase: "remembered" }>, now: number, width: number): string[] {
    if (event.phase === "done") {
      this.#violations += event.implementation.violations.length;
      this.#executions += this.#own;
      this.#own = 0;
      return [];
    }
    if (event.number !== this.#row) {
      this.#row = event.number;
      this.#rowBegin = now;
    }
    if (event.phase === "explore") this.#own = event.executions;
    return [this.#heading(event), this.#work(event), this.#outlook(event, now)].map((line) =>
      cutToWidth(line, width - 1),
    );
  }

  #heading(event: Underway): string {
    const { implementation, condition, number, rows } = event;
    return `${number} of ${rows}: ${implementation}, ${condition}${event.phase === "explore" ? ordersText(event) : ""}`;
  }

  #work(event: Underway): string {
    if (event.phase === "shrink") return `shrinking “${event.way}”, ${count(event.executions, "execution")}`;
    const { executions, distinctSchedules, signatures } = event;
    const done = shareOf(event);
    const bar = done === undefined ? "" : `${barOf(done)} `;
    const goal = goalOf(event);
    const of = goal === undefined ? "" : ` of ${goal.toLocaleString("en-US")}`;
    const found = signatures === 0 ? "" : `, ${count(signatures, "kind")} of violation`;
    return `${bar}${executions.toLocaleString("en-US")}${of} executions, ${count(distinctSchedules, "distinct schedule")}${found}`;
  }

  #outlook(event: Underway, now: number): string {
    const seconds = (now - this.#begin) / 1000;
    const all = this.#executions + this.#own;
    const rate = seconds < 1 ? "" : `${Math.round(all / seconds).toLocaleString("en-US")} executions/s, `;
    const left = this.#left(event, now);
    const found = this.#violations === 0 ? "" : `, ${count(this.#violations, "counterexample")} so far`;
    return `${rate}${timeText(seconds)} gone${left === undefined ? "" : `, about ${timeText(left)} left`}${found}`;
  }

  /** Seconds: the rest of this row at its pace, and the others as long as rows have taken so far. */
  #left(event: Underway, now: number): number | undefined {
    const { number, rows } = event;
    const done = event.phase === "explore" ? shareOf(event) : 1;
    const before = (this.#rowBegin - this.#begin) / 1000;
    const own = (now - this.#rowBegin) / 1000;
    if (done === undefined || own < 1 || done < 0.05)
      return number === 1 ? undefined : (before / (number - 1)) * (rows - number + 1);
    const whole = own / done;
    return whole - own + ((before + whole) / number) * (rows - number);
  }
}

type Exploring = Extract<CheckProgress, { phase: "explore" }>;

/** What remains of the orders of the programs at hand, where a strategy is to run them all. */
function ordersText({ of, estimate, executions }: Exploring): string {
  if (of === undefined || estimate === undefined) return "";
  const left = Math.max(0, estimate - executions);
  return `; about ${left.toLocaleString("en-US")} more for all orders`;
}

/** What is to be run: as much as was asked for; without that, what all orders of the programs at hand will take. */
function goalOf({ of, estimate }: Exploring): number | undefined {
  return of ?? estimate;
}

function shareOf(event: Exploring): number | undefined {
  const goal = goalOf(event);
  return goal === undefined ? undefined : Math.min(1, event.executions / Math.max(1, goal));
}

const barWidth = 16;

function barOf(share: number): string {
  const full = Math.round(share * barWidth);
  return "━".repeat(full) + "┄".repeat(barWidth - full);
}

function timeText(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
