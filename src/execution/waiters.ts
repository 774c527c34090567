import { RaceproofError } from "../errors.js";
import type { GatedStep } from "../session/gate.js";
import type { Bell } from "./bell.js";
import type { Lane } from "./lane.js";
import type { Waiting } from "./lock-waits.js";
import type { Recorded } from "./record.js";

/** A step that was let through and waits for a lock. */
export interface Blocked {
  readonly step: GatedStep;
  readonly record: Recorded;
  /** Backends that hold it up. */
  holders: readonly number[];
  /** How many of its lock waits are known. */
  seen: number;
}

/** What the waiters need from the execution that they are part of. */
export interface WaitersOptions {
  readonly lane: Lane;
  /** Rung at every answer and every report of a wait. */
  readonly bell: Bell;
  /** How long a statement may neither answer nor wait for a lock of ours, in milliseconds. */
  readonly limit: number;
  /** Whether to say which row a lock is about. */
  readonly record: boolean;
  /** Whether a deadlock must have found its victim before another step is taken. */
  readonly victimsFirst: boolean;
  /** Hands a late answer to the code under test. */
  readonly deliver: (step: GatedStep, record: Recorded) => Promise<void>;
}

/** How long a deadlock's victim may take to be found, in milliseconds, before the others are looked at again. */
const victimsPatience = 100;

/** How late a report of a wait may be, in milliseconds, before its session is taken to be one that sends none. */
const reportPatience = 500;

/** The steps that wait for locks, in the order in which they began to. */
export class Waiters {
  #blocked: Blocked[] = [];
  readonly #options: WaitersOptions;

  constructor(options: WaitersOptions) {
    this.#options = options;
  }

  get some(): boolean {
    return this.#blocked.length > 0;
  }

  has(actor: string): boolean {
    return this.#blocked.some(({ step }) => step.actor === actor);
  }

  get sessions(): string[] {
    return this.#blocked.map(({ step }) => step.session);
  }

  get pids(): number[] {
    return this.#blocked.map(({ step }) => step.pid!);
  }

  /** Keeps them where they are while another step is under way. */
  pause(): void {
    this.#options.lane.pause(this.pids);
  }

  resume(): void {
    this.#options.lane.resume(this.pids);
  }

  /** Forgets the waits of an actor whose process died. */
  drop(actor: string): void {
    this.#blocked = this.#blocked.filter(({ step }) => step.actor !== actor);
  }

  /**
   * Resolves to undefined once the step has answered, to the wait if it waits for a lock of ours. A wait is believed when
   * Postgres reports it, which it does once its deadlock check has passed: two waits that began together would otherwise
   * leave to chance which of them finds the deadlock.
   *
   * @param known How many of its waits were reported and are over.
   */
  async answerOrWait(step: GatedStep, known: number): Promise<Waiting | undefined> {
    const { lane, bell, limit } = this.#options;
    const begin = performance.now();
    let seen = known;
    let pause = lane.waitsAreReported ? 25 : 1;
    for (;;) {
      if (step.outcome !== undefined) return undefined;
      const reported = step.waits > seen;
      if (reported || !(await bell.wait(pause))) {
        seen = step.waits;
        if (!reported) pause = Math.min(pause * 2, 100);
        const waiting = await this.#waitingOf(step);
        if (step.outcome !== undefined) return undefined;
        if (waiting !== undefined && (reported || this.#needsNoReport(step, waiting, performance.now() - begin)))
          return waiting;
      }
      if (performance.now() - begin > limit) {
        throw new RaceproofError(
          `a statement of "${step.actor}" has not answered for ${limit} ms, and no lock of ours holds it up: ${step.text.trim()}`,
        );
      }
    }
  }

  /**
   * Code under test may have turned reports off for its session, and there is none of a wait for a safe snapshot. Otherwise
   * a report that is late is one of a backend that the machine has kept from running: its deadlock check is yet to come.
   */
  #needsNoReport(step: GatedStep, { lock }: Waiting, waited: number): boolean {
    const { lane } = this.#options;
    if (!lane.waitsAreReported || lock === null) return true;
    const session = lane.connections.sessionByPid(step.pid!);
    const isSilent = session?.isSilent === true || waited > reportPatience;
    if (isSilent && session !== undefined) session.isSilent = true;
    return isSilent;
  }

  async #waitingOf(step: GatedStep): Promise<Waiting | undefined> {
    if (step.pid === null || !this.#options.lane.connections.mayHoldUp(step.pid)) return undefined;
    const [waiting] = await this.#options.lane.waiting([step.pid]);
    return waiting !== undefined && this.#ourBlockers(waiting).length > 0 ? waiting : undefined;
  }

  #ourBlockers(waiting: Waiting): readonly number[] {
    const { connections } = this.#options.lane;
    return waiting.blockers.filter((pid) => connections.sessionByPid(pid) !== undefined);
  }

  /** The step is one of them from now on. */
  async add(step: GatedStep, record: Recorded, waiting: Waiting): Promise<void> {
    record.wait = {
      holders: this.#names(waiting.blockers),
      lock: waiting.lock ?? step.lastWait?.lock ?? "a lock",
      on: await this.#lockedObject(step, waiting),
      until: null,
    };
    this.#blocked.push({ step, record, holders: waiting.blockers, seen: step.waits });
  }

  /** In alphabetical order: Postgres lists those that share a lock as it finds them. */
  #names(pids: readonly number[]): string[] {
    const { connections } = this.#options.lane;
    const names = pids.map((pid) => connections.sessionByPid(pid)?.holder?.name ?? `backend ${pid}`);
    return [...new Set(names)].toSorted();
  }

  async #lockedObject(step: GatedStep, waiting: Waiting): Promise<string | null> {
    const where = step.lastWait?.where ?? "";
    const index = /while inserting index tuple .* in relation "(.+)"/.exec(where)?.[1];
    if (index !== undefined) return `a key of ${index}`;
    const tuple = /tuple (\(\d+,\d+\)) in relation "(.+)"/.exec(where);
    const row =
      waiting.row ??
      (tuple?.[1] !== undefined && tuple[2] !== undefined ? { ctid: tuple[1], relation: tuple[2] } : null);
    if (row === null) return null;
    return this.#options.record ? this.#options.lane.describeRow(row) : row.relation;
  }

  /** What each of them waits for, in words. */
  describe(): string {
    return this.#blocked
      .map(
        ({ step, holders }) =>
          `"${step.session}" waits for a lock that ${this.#names(holders).join(" and ")} holds, in: ${step.text.trim()}`,
      )
      .join("; ");
  }

  /**
   * Only waiters are left: a lock timeout, or a deadlock that Postgres has yet to see, may move one of them.
   *
   * @param patience How long to wait for that, in milliseconds.
   * @returns False when nothing has moved.
   */
  async awaitAny(patience: number): Promise<boolean> {
    while (this.#blocked.every(({ step }) => step.outcome === undefined)) {
      if (!(await this.#options.bell.wait(patience))) return false;
    }
    await this.release(null);
    return true;
  }

  /**
   * After a step: lets every waiter that it set free come to its answer or to its next wait, one after the other in the
   * order in which they had begun to wait. What a COMMIT lets go is granted before it answers, so whoever is still held
   * up by one of ours now stays so. Postgres itself would have them run on all at once: of two that wait for one row, the
   * first gives up its place in the line before it locks the row's new version, and the second may be faster.
   *
   * @param by Index of the step that may have set them free.
   */
  async release(by: number | null): Promise<void> {
    while (this.#blocked.length > 0) {
      const answered = this.#blocked.find(({ step }) => step.outcome !== undefined);
      if (answered !== undefined) {
        // One at a time: an actor whose answer is yet to be delivered counts as waiting, or nobody would settle.
        this.#blocked = this.#blocked.filter((blocked) => blocked !== answered);
        await this.#deliverLate(answered, by);
        continue;
      }
      const freed = await this.#firstFreed();
      if (freed !== undefined) await this.#letGo(freed);
      else if (this.#blocked.every(({ step }) => step.outcome === undefined) && !(await this.#victim())) break;
    }
    this.resume();
  }

  async #deliverLate({ step, record }: Blocked, by: number | null): Promise<void> {
    const until = record.index === by || endsItself(step) ? null : by;
    if (record.wait !== null) record.wait = { ...record.wait, until };
    await this.#options.deliver(step, record);
  }

  /** The first of the waiters that no longer has to wait. */
  async #firstFreed(): Promise<Blocked | undefined> {
    const waiting = new Map((await this.#options.lane.blockers(this.pids)).map((found) => [found.pid, found]));
    return this.#blocked.find((blocked) => {
      const found = waiting.get(blocked.step.pid!);
      blocked.holders = found?.blockers ?? [];
      if (found === undefined || this.#ourBlockers(found).length === 0) return true;
      blocked.seen = blocked.step.waits;
      return false;
    });
  }

  /** Until it answers or waits again. */
  async #letGo(blocked: Blocked): Promise<void> {
    const { step } = blocked;
    this.#options.lane.resume([step.pid!]);
    const waiting = await this.answerOrWait(step, blocked.seen);
    if (waiting === undefined) return;
    blocked.holders = waiting.blockers;
    blocked.seen = step.waits;
    this.#options.lane.pause([step.pid!]);
  }

  /**
   * Of a deadlock Postgres chooses the victim: the one that closed it. Until it has, nothing else may move.
   *
   * @returns Whether there was one.
   */
  async #victim(): Promise<boolean> {
    const { bell, limit, victimsFirst } = this.#options;
    if (!victimsFirst || !this.#blocked.some((blocked) => this.#inCycle(blocked))) return false;
    if (await bell.wait(victimsPatience)) return true;
    // Postgres may have put the waiters into another order, which they have to notice.
    this.resume();
    if (await bell.wait(limit)) return true;
    throw new RaceproofError(`nothing has moved for ${limit} ms; ${this.describe()}`);
  }

  #inCycle(start: Blocked): boolean {
    const byPid = new Map(this.#blocked.map((blocked) => [blocked.step.pid, blocked]));
    const seen = new Set<Blocked>();
    const queue = [...start.holders];
    for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
      const next = byPid.get(pid);
      if (next === start) return true;
      if (next === undefined || seen.has(next)) continue;
      seen.add(next);
      queue.push(...next.holders);
    }
    return false;
  }
}

/** Whether a wait ended without anybody giving up the lock: as a deadlock's victim, by a timeout, or cancelled. */
function endsItself({ outcome }: GatedStep): boolean {
  return outcome?.kind === "error" && ["40P01", "55P03", "57014"].includes(outcome.code ?? "");
}
