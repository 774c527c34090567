import type { Permutation, SpecFile, SpecSession } from "./spec-file.js";

/** Every interleaving of the sessions' steps, in the order in which isolationtester runs them. */
export function* interleavings({ sessions }: Pick<SpecFile, "sessions">): Generator<Permutation> {
  yield* extend(
    [],
    sessions,
    sessions.map(() => 0),
  );
}

function* extend(
  taken: Permutation,
  sessions: readonly SpecSession[],
  counts: readonly number[],
): Generator<Permutation> {
  let finished = true;
  for (const [index, { steps }] of sessions.entries()) {
    const step = steps[counts[index]!];
    if (step === undefined) continue;
    finished = false;
    yield* extend([...taken, { step, markers: [] }], sessions, counts.with(index, counts[index]! + 1));
  }
  if (finished) yield taken;
}

/** How many there are: the multinomial coefficient of the numbers of steps. */
export function countInterleavings({ sessions }: Pick<SpecFile, "sessions">): bigint {
  let count = 1n;
  let total = 0n;
  for (const { steps } of sessions) for (let i = 1n; i <= BigInt(steps.length); i++) count = (count * ++total) / i;
  return count;
}
