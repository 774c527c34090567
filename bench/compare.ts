import { spreadOf, type Figure } from "./bench.js";

/** Something that can be done so many times. */
export interface Side {
  readonly name: string;
  run(times: number): Promise<void>;
}

/** What of ours is compared. */
export interface Challenge {
  /** Of the figure. */
  readonly name: string;
  readonly side: Side;
  readonly aim: string;
}

/** Sides measured in turn, in one run. */
export interface Comparison {
  readonly ours: readonly Challenge[];
  readonly theirs: Side;
  /** What is done, e.g. `executions`. */
  readonly what: string;
  /** Whether all sides have just been run. */
  readonly isWarm?: boolean;
}

/**
 * How many times as fast we are: after a warm-up all sides in turn, so that a machine that drifts does so for all.
 *
 * @param times How often each side does it in a round.
 * @returns A figure for each of ours.
 */
export async function compare(
  { ours, theirs, what, isWarm = false }: Comparison,
  rounds: number,
  times: number,
): Promise<Figure[]> {
  const sides = [theirs, ...ours.map(({ side }) => side)];
  for (const side of isWarm ? [] : sides) await side.run(times);
  const speeds = new Map(sides.map((side) => [side, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    // Whoever comes second may profit from what the first has warmed.
    const inTurn = round % 2 === 0 ? sides : sides.toReversed();
    for (const side of inTurn) speeds.get(side)!.push(await perSecond(side, times));
  }
  const their = speeds.get(theirs)!;
  return ours.map(({ name, side, aim }) => ({
    name,
    unit: "ratio",
    value: spreadOf(speeds.get(side)!.map((speed, round) => speed / their[round]!)),
    samples: rounds,
    aim,
    details: {
      [`${side.name}, ${what} per second`]: spreadOf(speeds.get(side)!).median,
      [`${theirs.name}, ${what} per second`]: spreadOf(their).median,
    },
  }));
}

async function perSecond(side: Side, times: number): Promise<number> {
  const begin = performance.now();
  await side.run(times);
  return (times * 1000) / (performance.now() - begin);
}
