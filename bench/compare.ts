import { spreadOf, type Figure } from "./bench.js";

/** Something that can be done so many times. */
export interface Side {
  readonly name: string;
  run(times: number): Promise<void>;
}

/** Two sides measured in turn, in one run. */
export interface Comparison {
  readonly name: string;
  readonly ours: Side;
  readonly theirs: Side;
  /** What is done, e.g. `executions`. */
  readonly what: string;
  readonly aim: string;
}

/**
 * How many times as fast we are: after a warm-up the two sides in turn, so that a machine that drifts does so for both.
 *
 * @param times How often each side does it in a round.
 */
export async function compare(comparison: Comparison, rounds: number, times: number): Promise<Figure> {
  const { name, ours, theirs, what, aim } = comparison;
  await ours.run(times);
  await theirs.run(times);
  const pairs: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    // Whoever comes second may profit from what the first has warmed.
    const first = round % 2 === 0 ? await perSecond(ours, times) : undefined;
    const second = await perSecond(theirs, times);
    pairs.push({ ours: first ?? (await perSecond(ours, times)), theirs: second });
  }
  return {
    name,
    unit: "ratio",
    value: spreadOf(pairs.map((pair) => pair.ours / pair.theirs)),
    samples: rounds,
    aim,
    details: {
      [`${ours.name}, ${what} per second`]: spreadOf(pairs.map((pair) => pair.ours)).median,
      [`${theirs.name}, ${what} per second`]: spreadOf(pairs.map((pair) => pair.theirs)).median,
    },
  };
}

async function perSecond(side: Side, times: number): Promise<number> {
  const begin = performance.now();
  await side.run(times);
  return (times * 1000) / (performance.now() - begin);
}
