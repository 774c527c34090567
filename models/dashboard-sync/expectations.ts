import type { Condition, Expectation } from "../../src/index.js";

type Expected = Readonly<Partial<Record<Condition, Expectation>>>;

/** Without faults, and with them, where more breaks. */
function violating(invariants: readonly string[], withFaults: readonly string[]): Expected {
  return {
    "read committed": { violates: invariants },
    "read committed, with faults": { violates: [...invariants, ...withFaults] },
  };
}

/** What breaks wherever reports and retries are written in pieces, and pages read in pieces. */
const inPieces = [
  "counter equals failed flags",
  "counter equals failed rows",
  "failed flags equal failed rows",
  "completed counter, flags and rows agree",
  "no partition is completed and failed",
  "counters stay within 0 and the expected workers",
  "counter is never clamped",
  "no torn read",
  "no reader sees them apart",
  "some sequential order explains it",
];

/** The retry's work item is never sent, a message is dead-lettered unreported, and 40001 or a lost connection ends it. */
const undone = ["nothing is stuck", "transient errors are dealt with"];

/** A process that dies between taking a failure back and counting it back. */
const countedTwice = "a failure counts once before it is taken back";

/** Whatever can be said against a repaired option: it is right while nothing goes wrong. */
const repaired: Expected = {
  "read committed": "holds",
  "read committed, with faults": { violates: undone },
};

const seenInTheEnd = ["no desync", "run status follows from the partitions"];

/**
 * What each implementation does, from runs and not from what anybody expects: each invariant that is named is broken by a
 * schedule of the examples with one switch or fault, and no other has been seen to break in tens of thousands of random
 * ones.
 */
export const expectations = {
  legacy: violating([...inPieces, ...seenInTheEnd], [...undone, countedTwice]),
  // Its status is computed from the partitions, so it follows from them. Everything else stays as it was, for the flags
  // drift away from the table of workers as the counter did; and phase 1 passes Postgres' bigints on as text.
  "option-1a-count-partitions": violating(
    [...inPieces, "no desync", "dashboard counts are numbers"],
    [...undone, countedTwice],
  ),
  "option-1a-repaired": repaired,
  // Number and table come from the same rows: no desync. But the rows are not what the partitions are.
  "option-1b-count-worker-runs": violating(
    [...inPieces, "run status follows from the partitions"],
    [...undone, countedTwice],
  ),
  "option-1b-repaired": repaired,
  // The retry is atomic; what it comes in between is not. Isolation does not help where every statement is a transaction
  // of its own, and brings errors that nobody repeats.
  "option-2-atomic-reset": {
    ...violating([...inPieces, ...seenInTheEnd], undone),
    "repeatable read": { violates: [...inPieces, ...seenInTheEnd, "transient errors are dealt with"] },
    serializable: { violates: [...inPieces, ...seenInTheEnd, "transient errors are dealt with"] },
  },
  "option-2-throwing-update": violating([...inPieces, ...seenInTheEnd], undone),
  "option-2-repaired": repaired,
  // A lock that is given back before it protects anything: as if it were not there.
  "option-3-advisory-lock": violating([...inPieces, ...seenInTheEnd], [...undone, countedTwice]),
  // Nobody's option, only the step in between. It counts no failure that is not there, so the counter stays in bounds.
  "option-3-lock-held": violating(
    [
      ...inPieces.filter((invariant) => invariant !== "counters stay within 0 and the expected workers"),
      ...seenInTheEnd,
    ],
    undone,
  ),
  "option-3-repaired": repaired,
  // What READ COMMITTED lets pass, REPEATABLE READ refuses but for a write skew, and SERIALIZABLE refuses altogether.
  "fixed-without-lock": {
    "read committed": "violates",
    "repeatable read": { violates: ["some sequential order explains it"] },
    serializable: "holds",
  },
  fixed: {
    "read committed": "holds",
    "read committed, with faults": "holds",
    "repeatable read": "holds",
    "repeatable read, with faults": "holds",
    serializable: "holds",
    "serializable, with faults": "holds",
  },
} as const satisfies Readonly<Record<string, Expected>>;

export type ImplementationName = keyof typeof expectations;
