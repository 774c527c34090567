import { happensBefore, mayBegin, type Event, type Possible } from "./events.js";
import { Frontier } from "./frontier.js";
import { GuidedRun, type Guide } from "./guided.js";
import type { About, Observed, Scheduler, Search, Strategy } from "./strategy.js";
import {
  branchOf,
  changeOpen,
  coveredPart,
  insert,
  isAsleep,
  lineOf,
  settle,
  sleepBeside,
  type Branch,
  type Insertion,
  type Node,
  type Turn,
} from "./tree.js";

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

/**
 * The same, behind certain first steps alone: what begins with other steps that were pending is left to others. In each
 * place those that stand in front of the one that is taken are asleep, so what they lead to is not run again.
 */
export function exhaustiveBehind(about: About, prefix: readonly string[]): Search {
  return new Exhaustive(about, prefix);
}

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

  /** First steps that all executions have in common: there are no branches beside them. */
  readonly #prefix: readonly string[];

  constructor(about: About, prefix: readonly string[] = []) {
    this.#about = about;
    this.#prefix = prefix;
    this.#frontier.push(0, { start: undefined, keys: prefix });
  }

  next(): Scheduler | undefined {
    const plan = this.#frontier.pop();
    if (plan === undefined) return undefined;
    const run = new GuidedRun(this.#about.footprints?.(), guideOf(plan, this.#prefix.length));
    this.#underway.push({ plan, run });
    return run;
  }

  learn(observed: Observed | undefined): void {
    const { plan, run } = this.#underway.shift()!;
    this.#executions++;
    if (observed === undefined || run.isLost) this.#incomplete = true;
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
    const fresh = this.#grow(start, run, before);
    const nodes = [...old, ...fresh];
    for (const turn of start?.branch.later ?? []) if (fresh[0] !== undefined) this.#add(fresh[0], turn);
    for (const [first, second] of races) {
      const node = nodes[first]!;
      const turn = reversal(events, before, first, second);
      if (!isAsleep(node, turn.sequence)) this.#add(node, turn);
    }
    if (start !== undefined) changeOpen(start.node, -1);
    if (this.#root !== undefined) settle(this.#root);
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
      branch = depth === blockedAt ? undefined : branchOf(events[depth]!);
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
    if (node.depth < this.#prefix.length) return;
    // What commutes with it may come first: it is still possible then.
    if (isAsleep(node, [fault]) || node.branches.some(({ step }) => mayBegin(step, [fault]))) return;
    const branch = branchOf(fault);
    node.branches.push(branch);
    this.#plan({ node, branch, steps: [fault] });
  }

  #add(node: Node, turn: Turn): void {
    if (node.depth < this.#prefix.length) return;
    const inserted = insert(node, turn);
    if (inserted !== undefined) this.#plan(inserted);
  }

  #plan({ node, branch, steps }: Insertion): void {
    let { decisions } = node;
    let last: Possible | undefined = node.event;
    for (const step of steps) {
      decisions += decisionsFor(last, step);
      last = step;
    }
    changeOpen(node, 1);
    this.#frontier.push(decisions, { start: { node, branch }, keys: steps.map(({ key }) => key) });
  }
}

function guideOf({ start, keys }: Plan, common: number): Guide {
  if (start === undefined) return { keys, known: [], sleep: [], common };
  const line = lineOf(start.node);
  return {
    keys: [...line.flatMap(({ event }) => event?.key ?? []), ...keys],
    known: line.map(({ pending }) => pending),
    sleep: sleepBeside(start.node, start.branch),
    common: 0,
  };
}

/** Whether a step is a decision: it leaves a session that could have gone on, or something goes wrong with it. */
function decisionsFor(last: Possible | undefined, { session, isFault }: Possible): number {
  const leaves = last?.goesOn === true && last.session !== session;
  return Number(leaves) + Number(isFault);
}

/**
 * How a race comes the other way round: the second, behind what it needs, and then everything else that did not happen
 * behind the first, in an order that is equivalent to the one that was seen.
 */
function reversal(events: readonly Event[], before: readonly bigint[], first: number, second: number): Turn {
  const others = [...events.keys()].filter((index) => index > first && !includes(before[index]!, first));
  const needed = others.filter((index) => includes(before[second]!, index));
  const rest = others.filter((index) => !includes(before[second]!, index));
  const indices = [...inFewTurns(events, before, needed), second, ...rest];
  return { sequence: indices.map((index) => events[index]!), needed: needed.length + 1 };
}

/** An equivalent order in which sessions are left as rarely as can be seen at each step. */
function inFewTurns(events: readonly Event[], before: readonly bigint[], indices: readonly number[]): number[] {
  const left = [...indices];
  const order: number[] = [];
  while (left.length > 0) {
    const free = left.filter((index) => !left.some((other) => other < index && includes(before[index]!, other)));
    const session = events[order.at(-1) ?? -1]?.session;
    const next = free.find((index) => events[index]!.session === session) ?? free[0]!;
    left.splice(left.indexOf(next), 1);
    order.push(next);
  }
  return order;
}

function includes(set: bigint, index: number): boolean {
  return ((set >> BigInt(index)) & 1n) === 1n;
}
