/** Something that can be run so many times. */
export interface Side {
  readonly name: string;
  run(times: number): Promise<void>;
}

/** Two sides measured in turn, in one run. */
export interface Comparison {
  readonly name: string;
  readonly ours: Side;
  readonly theirs: Side;
  readonly unit: string;
  /** The ratio, ours over theirs, that we aim at. */
  readonly aim: number;
  close(): Promise<void>;
}

export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly aim: number;
  /** Per second, the median of the rounds. */
  readonly ours: number;
  readonly theirs: number;
  /** Ours over theirs, pair by pair. */
  readonly ratio: { readonly median: number; readonly min: number; readonly max: number };
  readonly rounds: number;
}

/**
 * Measures a comparison: after a warm-up, the two sides in turn, so that a machine that drifts does so for both.
 *
 * @param times How often each side is run in a round.
 */
export async function measure(comparison: Comparison, rounds: number, times: number): Promise<Measured> {
  const { name, ours, theirs, unit, aim } = comparison;
  await ours.run(times);
  await theirs.run(times);
  const pairs: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    // Whoever comes second may profit from what the first has warmed.
    const first = round % 2 === 0 ? await perSecond(ours, times) : undefined;
    const second = await perSecond(theirs, times);
    pairs.push({ ours: first ?? (await perSecond(ours, times)), theirs: second });
  }
  const ratios = sorted(pairs.map((pair) => pair.ours / pair.theirs));
  return {
    name,
    unit,
    aim,
    ours: median(pairs.map((pair) => pair.ours)),
    theirs: median(pairs.map((pair) => pair.theirs)),
    ratio: { median: median(ratios), min: ratios[0]!, max: ratios.at(-1)! },
    rounds,
  };
}

async function perSecond(side: Side, times: number): Promise<number> {
  const begin = performance.now();
  await side.run(times);
  return (times * 1000) / (performance.now() - begin);
}

function sorted(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

function median(values: readonly number[]): number {
  return sorted(values)[Math.floor(values.length / 2)]!;
}
