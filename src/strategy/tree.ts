import { mayBegin, type Event, type Possible } from "./events.js";

/** A step that is taken from a node, or will be. */
export interface Branch {
  step: Possible;
  /** Where it leads to; undefined before it is taken, and once nothing more can come of what is behind it. */
  node: Node | undefined;
  isDone: boolean;
  /** What is to be run behind it, found before it was taken. */
  readonly later: Turn[];
}

/** Events that are to be run from a node on, in this order or an equivalent one. */
export interface Turn {
  readonly sequence: readonly Possible[];
  /** With so many of the first of them it has been seen to that a race comes the other way round; the others come along. */
  readonly needed: number;
}

/** A place that executions come through. */
export interface Node {
  readonly parent: Node | undefined;
  /** The step that led here; undefined for the root. */
  readonly event: Event | undefined;
  /** The events that happened before that one, as a bit set. */
  readonly before: bigint;
  readonly depth: number;
  /** Decisions on the way here: sessions left that could have gone on, and faults. */
  readonly decisions: number;
  /** What is pending here, to be told when it is not the same the next time. */
  readonly pending: string;
  /** Steps that need not be taken here: what they lead to is covered elsewhere. */
  readonly sleep: readonly Possible[];
  /** In the order in which they were found to be necessary, which is what sleep goes by; when they are taken does not matter. */
  readonly branches: Branch[];
  /** Executions that are to be run, or under way, from here or from below. */
  open: number;
}

export function branchOf(step: Possible): Branch {
  return { step, node: undefined, isDone: false, later: [] };
}

/** A new branch, and the steps to take along it. */
export interface Insertion {
  readonly node: Node;
  readonly branch: Branch;
  readonly steps: readonly Possible[];
}

/**
 * Sees to it that a turn is run from a node on: follows the branches along which it is covered as far as they go, and
 * makes a new one where they end. (The insertion into a wakeup tree of Abdulla et al., but for a tree that has been run
 * in part.) The new branch has only what is needed laid down, so that it has no more switches than it must; whether the
 * others came along shows when it has been run.
 *
 * @returns Undefined where there was nothing to add.
 */
export function insert(node: Node, turn: Turn): Insertion | undefined {
  let at = node;
  let rest = turn;
  for (;;) {
    const { sequence, needed } = rest;
    const [first] = sequence;
    if (first === undefined) return undefined;
    const known = at.branches.find(({ step }) => mayBegin(step, sequence));
    if (known === undefined) {
      const branch = branchOf(first);
      branch.later.push(without(rest, first));
      at.branches.push(branch);
      return { node: at, branch, steps: needed === 0 ? sequence : sequence.slice(0, needed) };
    }
    if (known.isDone) return undefined;
    rest = without(rest, known.step);
    if (known.node === undefined) {
      known.later.push(rest);
      return undefined;
    }
    at = known.node;
  }
}

function without({ sequence, needed }: Turn, { key }: Possible): Turn {
  const at = sequence.findIndex((event) => event.key === key);
  if (at < 0) return { sequence, needed };
  return { sequence: sequence.toSpliced(at, 1), needed: at < needed ? needed - 1 : needed };
}

/** Whether a sequence is run elsewhere: it could begin with a step that is asleep here. */
export function isAsleep({ sleep }: Node, sequence: readonly Possible[]): boolean {
  return sleep.some((step) => mayBegin(step, sequence));
}

/** Steps that are asleep along this branch until something wakes them. */
export function sleepBeside(node: Node, branch: Branch): readonly Possible[] {
  return [...node.sleep, ...node.branches.slice(0, node.branches.indexOf(branch)).map(({ step }) => step)];
}

export function changeOpen(node: Node, by: number): void {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) at.open += by;
}

/**
 * Forgets the places of which nothing more can come. What is behind a branch may still be added to while there is
 * something to be run along an earlier one, here or above: this may find what is asleep along the later one.
 *
 * @returns Whether nothing is left.
 */
export function settle({ branches }: Node): boolean {
  for (const branch of branches) {
    if (branch.isDone) continue;
    if (branch.node === undefined || (branch.node.open > 0 && !settle(branch.node))) return false;
    branch.node = undefined;
    branch.isDone = true;
  }
  return true;
}

/** Nodes from the root to this one. */
export function lineOf(node: Node): Node[] {
  const line: Node[] = [];
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) line.push(at);
  return line.toReversed();
}

/**
 * How much of the tree is covered, as far as it is known, each branch counted for as much as its siblings. Executions so
 * far over this is what there will be of them: the weighted backtrack estimator of Kilby, Slaney, Thiébaux and Walsh,
 * "Estimating search tree size", AAAI 2006, after Knuth 1975.
 */
export function coveredPart({ branches, open }: Node): number {
  if (open === 0) return 1;
  const sum = branches.reduce((part, { node, isDone }) => {
    if (isDone) return part + 1;
    return node === undefined ? part : part + coveredPart(node);
  }, 0);
  return sum / branches.length;
}
