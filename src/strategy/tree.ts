import { mayBegin, type Event, type Possible } from "./events.js";

/** A step that is taken from a node, or will be. */
export interface Branch {
  step: Possible;
  /** Where it leads to; undefined before it is taken, and once all that is behind it is covered. */
  node: Node | undefined;
  isDone: boolean;
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

/**
 * Sees to it that some order of a sequence of events is run from a node on, unless one is bound to be already.
 *
 * @param first The step to begin with: one that the sequence could begin with.
 * @returns The new branch; undefined where none is needed.
 */
export function addBranch(node: Node, sequence: readonly Possible[], first: Possible): Branch | undefined {
  const covers = (step: Possible) => mayBegin(step, sequence);
  if (node.sleep.some(covers) || node.branches.some(({ step }) => covers(step))) return undefined;
  const branch = { step: first, node: undefined, isDone: false };
  node.branches.push(branch);
  return branch;
}

/** Steps that are asleep along this branch until something wakes them. */
export function sleepBeside(node: Node, branch: Branch): readonly Possible[] {
  return [...node.sleep, ...node.branches.slice(0, node.branches.indexOf(branch)).map(({ step }) => step)];
}

export function changeOpen(node: Node, by: number): void {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) at.open += by;
}

/** Forgets a place, and those above it, as far as all that is behind them is covered. */
export function prune(node: Node): void {
  for (let at: Node = node; at.open === 0 && at.parent !== undefined; at = at.parent) {
    const branch = at.parent.branches.find((each) => each.node === at);
    if (branch === undefined) return;
    branch.node = undefined;
    branch.isDone = true;
  }
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
export function coveredPart({ branches }: Node): number {
  if (branches.length === 0) return 1;
  const sum = branches.reduce((part, { node, isDone }) => {
    if (isDone) return part + 1;
    return node === undefined ? part : part + coveredPart(node);
  }, 0);
  return sum / branches.length;
}
