import { happensBefore, type Event, type Possible } from "./events.js";
import { Frontier } from "./frontier.js";
import { GuidedRun, type Guide } from "./guided.js";
import type { About, Observed, Scheduler, Search, Strategy } from "./strategy.js";
import { addBranch, changeOpen, coveredPart, lineOf, prune, sleepBeside, type Branch, type Node } from "./tree.js";

/**
 * Every order of a program, but for those that differ from another one only by swapping neighbours that commute: dynamic
 * partial-order reduction over the footprints of steps, after "Optimal dynamic partial order reduction" by Abdulla,
 * Aronis, Jonsson and Sagonas, POPL 2014. Every execution tells which of its conflicting steps could have come the other
 * way round; for each such race an execution is added in which they do, unless it is covered already. Of its steps only
 * those are laid down that the race needs, so that it has no more switches than it must. Locks are no special case: a
 * step that has to wait is an event where it asks, and ends inside of the step that lets it go.
 *
 * The order of work is ours: what has the fewest preemptions and faults comes first (as in iterative context bounding,
 * Musuvathi and Qadeer, PLDI 2007), so that what breaks is found with few of them. That sleep sets stay right rests on the
 * order in which branches were found to be necessary, which does not change, whenever they are taken.
 *
 * A fault is a further step of an actor that nothing obliges it to take: there is a branch for it wherever a step depends
 * on whether it has happened.
 *
 * @throws {Divergence} From `choose` of its schedulers, when the code under test is not determined by the order of steps.
 */
export const exhaustive: Strategy = { name: "exhaustive", search: (_, about) => new Exhaustive(about) };

/** An execution that is to be run: to a node, then along a branch, and then what the race needs. */
interface Plan {
  /** Undefined for the first execution. */
  readonly start: { readonly node: Node; readonly branch: Branch } | undefined;
  readonly keys: readonly string[];
}

class Exhaustive implements Search {
  readonly #about: About;
  readonly #frontier = new Frontier<Plan>();
  /** In the order in which they were handed out. */
  readonly #underway: { readonly plan: Plan; readonly run: GuidedRun }[] = [];
  #root: Node | undefined;
  #executions = 0;
  #estimated = { at: 0, total: 0 };
  #incomplete = false;

  constructor(about: About) {
    this.#about = about;
    this.#frontier.push(0, { start: undefined, keys: [] });
  }

  next(): Scheduler | undefined {
    const plan = this.#frontier.pop();
    if (plan === undefined) return undefined;
    const run = new GuidedRun(this.#about.footprints?.(), guideOf(plan));
    this.#underway.push({ plan, run });
    return run;
  }

  learn(observed: Observed | undefined): void {
    const { plan, run } = this.#underway.shift()!;
    this.#executions++;
    if (observed === undefined) this.#incomplete = true;
    else this.#analyse(plan, run);
  }

  get exhausted(): boolean {
    return !this.#incomplete && this.#frontier.size === 0 && this.#underway.length === 0;
  }

  get estimate(): number {
    const known = this.#executions + this.#frontier.size + this.#underway.length;
    if (this.#root === undefined || this.exhausted) return known;
    // To go through the whole tree is worth it only when it has grown.
    if (this.#executions > this.#estimated.at * 1.05)
      this.#estimated = { at: this.#executions, total: Math.ceil(this.#executions / coveredPart(this.#root)) };
    return Math.max(known, this.#estimated.total);
  }

  #analyse({ start }: Plan, run: GuidedRun): void {
    const old = start === undefined ? [] : lineOf(start.node);
    const events = run.events.slice(0, run.blockedAt);
    const { before, races } = happensBefore(
      events,
      old.slice(1).map((node) => node.before),
    );
    const nodes = [...old, ...this.#grow(start, run, before)];
    for (const [first, second] of races) {
      const sequence = reversal(events, before, first, second);
      const needed = sequence.filter((index) => index === second || includes(before[second]!, index));
      const node = nodes[first]!;
      const branch = addBranch(
        node,
        sequence.map((index) => events[index]!),
        events[needed[0]!]!,
      );
      if (branch !== undefined)
        this.#plan(
          node,
          branch,
          needed.map((index) => events[index]!),
        );
    }
    if (start !== undefined) changeOpen(start.node, -1);
    const last = nodes.at(-1);
    if (last !== undefined) prune(last);
  }

  /** Adds the new places that an execution came through. */
  #grow(start: Plan["start"], { events, moments, blockedAt }: GuidedRun, before: readonly bigint[]): Node[] {
    const nodes: Node[] = [];
    let parent = start?.node;
    let branch = start?.branch;
    if (parent !== undefined && branch !== undefined) branch.step = events[parent.depth]!;
    for (const { pending, sleep, faults } of moments) {
      const depth = parent === undefined ? 0 : parent.depth + 1;
      const event = events[depth - 1];
      const decisions = event === undefined ? 0 : parent!.decisions + decisionsFor(parent!.event, event);
      const past = before[depth - 1] ?? 0n;
      const node: Node = { parent, event, before: past, depth, decisions, pending, sleep, branches: [], open: 0 };
      if (branch !== undefined) branch.node = node;
      branch = depth === blockedAt ? undefined : { step: events[depth]!, node: undefined, isDone: false };
      if (branch !== undefined) node.branches.push(branch);
      for (const fault of faults) this.#addFault(node, fault);
      nodes.push(node);
      parent = node;
    }
    if (branch !== undefined) branch.isDone = true;
    this.#root ??= nodes[0];
    return nodes;
  }

  #addFault(node: Node, fault: Possible): void {
    const branch = addBranch(node, [fault], fault);
    if (branch !== undefined) this.#plan(node, branch, [{ ...fault, isFault: true, goesOn: false }]);
  }

  #plan(node: Node, branch: Branch, steps: readonly Weighed[]): void {
    let { decisions, event: last } = node as { decisions: number; event: Weighed | undefined };
    for (const step of steps) {
      decisions += decisionsFor(last, step);
      last = step;
    }
    changeOpen(node, 1);
    this.#frontier.push(decisions, { start: { node, branch }, keys: steps.map(({ key }) => key) });
  }
}

function guideOf({ start, keys }: Plan): Guide {
  if (start === undefined) return { keys, known: [], sleep: [] };
  const line = lineOf(start.node);
  return {
    keys: [...line.flatMap(({ event }) => event?.key ?? []), ...keys],
    known: line.map(({ pending }) => pending),
    sleep: sleepBeside(start.node, start.branch),
  };
}

type Weighed = Pick<Event, "key" | "session" | "isFault" | "goesOn">;

/** Whether a step is a decision: it leaves a session that could have gone on, or something goes wrong with it. */
function decisionsFor(last: Weighed | undefined, { session, isFault }: Weighed): number {
  const leaves = last !== undefined && last.goesOn && last.session !== session;
  return Number(leaves) + Number(isFault);
}

/** All events that did not happen behind the first of a race, and the second: by index, from the first on. */
function reversal(events: readonly Event[], before: readonly bigint[], first: number, second: number): number[] {
  return [...events.keys()].filter((index) => index > first && (index === second || !includes(before[index]!, first)));
}

function includes(set: bigint, index: number): boolean {
  return ((set >> BigInt(index)) & 1n) === 1n;
}
