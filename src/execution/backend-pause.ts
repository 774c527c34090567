/** How long backends may be kept from running, in milliseconds. */
const longestPause = 250;

/**
 * Keeps backends that wait for a lock from running on once it is granted. Not for long: one whose wait was just then
 * ended by a timeout may hold what all the others need.
 */
export class BackendPause {
  /** Whether backends are processes of ours, on this machine; nothing is paused elsewhere. */
  readonly #ours: boolean;
  readonly #paused = new Set<number>();
  #resuming: NodeJS.Timeout | undefined;

  constructor(ours: boolean) {
    this.#ours = ours;
  }

  pause(pids: readonly number[]): void {
    if (!this.#ours || pids.length === 0) return;
    signal(pids, "SIGSTOP");
    for (const pid of pids) this.#paused.add(pid);
    this.#resuming ??= setTimeout(() => this.resume([...this.#paused]), longestPause).unref();
  }

  resume(pids: readonly number[]): void {
    const paused = pids.filter((pid) => this.#paused.delete(pid));
    signal(paused, "SIGCONT");
    if (this.#paused.size > 0) return;
    clearTimeout(this.#resuming);
    this.#resuming = undefined;
  }
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It is gone, which its connection will tell.
    }
  }
}
