/**
 * Waiting for "something has changed", with a limit. Made for being rung thousands of times a second: the timer is set
 * once for many waits, and not taken back when they end early.
 */
export class Bell {
  #waiting: { readonly resolve: (rung: boolean) => void; readonly deadline: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

  /** Ends every wait. */
  ring(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve(true);
  }

  /** Resolves to true when it is rung, to false after so many milliseconds. Does not keep the process alive. */
  wait(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const deadline = performance.now() + milliseconds;
      this.#waiting.push({ resolve, deadline });
      if (deadline < this.#timerAt) this.#setTimer(deadline);
    });
  }

  /** No more waits. */
  silence(): void {
    clearTimeout(this.#timer);
  }

  #setTimer(at: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, at - performance.now())).unref();
  }

  #expire(): void {
    this.#timerAt = Infinity;
    const now = performance.now();
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ deadline }) => deadline > now);
    for (const { resolve, deadline } of waiting) if (deadline <= now) resolve(false);
    const next = Math.min(...this.#waiting.map(({ deadline }) => deadline));
    if (next < this.#timerAt) this.#setTimer(next);
  }
}
