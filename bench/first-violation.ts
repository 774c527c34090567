import { Lanes } from "../src/execution/lanes.js";
import { portfolio } from "../src/explore/portfolio.js";
import { judge } from "../src/oracle/judge.js";
import { strategyNamed } from "../src/strategy/named.js";
import type { Search, Strategy } from "../src/strategy/strategy.js";
import { spreadOf, type Bench, type Figure, type Setting } from "./bench.js";
import { kernels, type Kernel } from "./kernels.js";
import { aboutOf, oneByOne } from "./search.js";
import { byFastCheck, byPromiseAll, Hang, Uncontrolled } from "./uncontrolled.js";

/** Who looks for the violation: how many executions it takes them, for each of so many seeds; undefined for more than `most`. */
interface Searcher {
  readonly name: string;
  search(kernel: Kernel, setting: Setting, seeds: number, most: number): Promise<(number | undefined)[]>;
}

const strategies: readonly ((seed: string) => Strategy)[] = [
  ...["random", "urw", "pos", "pct", "exhaustive"].map((name) => (seed: string) => strategyNamed(name, seed)!),
  portfolio,
];

/** Those that do the same whatever the seed. */
const unseeded = new Set(["exhaustive"]);

const searchers: readonly Searcher[] = [
  ...strategies.map((strategy): Searcher => {
    const { name } = strategy("");
    return {
      name,
      async search(kernel, { server, lanes: count }, seeds, most) {
        const lanes = await Lanes.open(server, kernel.model, count);
        try {
          const about = await aboutOf(lanes);
          const each = async (_: unknown, seed: number) =>
            byStrategy(lanes, kernel, strategy(`seed ${seed}`).search("the program", about), most);
          return await Promise.all(Array.from({ length: unseeded.has(name) ? 1 : seeds }, each));
        } finally {
          await lanes.close();
        }
      },
    };
  }),
  { name: "Promise.all", search: alone(async (uncontrolled, _, most) => byPromiseAll(uncontrolled, most)) },
  { name: "fast-check", search: alone(byFastCheck) },
];

/** Executions until a strategy breaks a kernel's program. */
async function byStrategy(lanes: Lanes, kernel: Kernel, search: Search, most: number): Promise<number | undefined> {
  let executions = 0;
  for await (const executed of oneByOne(lanes, kernel, search)) {
    executions++;
    // By what is there in the end, which is all that those without control can look at.
    if (judge(kernel.model, kernel.program, { ...executed, commits: [] }).length > 0) return executions;
    if (executions === most) return undefined;
  }
  return undefined;
}

/** One seed after the other, with the whole server to itself. */
function alone(
  until: (uncontrolled: Uncontrolled, seed: number, most: number) => Promise<number | undefined>,
): Searcher["search"] {
  return async (kernel, { server }, seeds, most) => {
    const uncontrolled = await Uncontrolled.open(server, kernel);
    try {
      // Its connections are open when it is measured.
      await uncontrolled.run();
      const found: (number | undefined)[] = [];
      for (let seed = 0; seed < seeds; seed++) found.push(await until(uncontrolled, seed, most));
      return found;
    } finally {
      await uncontrolled.close();
    }
  };
}

/**
 * Executions to the first violation, for the same program of each kernel: by each strategy, by the same operations thrown
 * at Postgres with `Promise.all`, and by fast-check's own scheduler.
 */
export const firstViolation: Bench = {
  name: "first-violation",
  about:
    "executions to the first violation, by strategy, over many seeds; and without control, and by fast-check's scheduler",
  async *run(setting) {
    const [seeds, most] = setting.quick ? [2, 20] : [100, 200];
    for (const kernel of setting.quick ? kernels.slice(0, 2) : kernels)
      for (const searcher of searchers) yield await measured(searcher, kernel, setting, seeds, most);
  },
};

async function measured(
  searcher: Searcher,
  kernel: Kernel,
  setting: Setting,
  seeds: number,
  most: number,
): Promise<Figure> {
  const name = `${kernel.model.name}, ${searcher.name}`;
  const unit = "executions";
  try {
    const found = await searcher.search(kernel, setting, seeds, most);
    const sorted = found.map((executions) => executions ?? most + 1).toSorted((a, b) => a - b);
    const never = found.filter((executions) => executions === undefined).length;
    return {
      name,
      unit,
      value: spreadOf(sorted),
      samples: found.length,
      details: {
        "lower quartile": sorted[Math.floor(found.length / 4)]!,
        "upper quartile": sorted[Math.floor((found.length * 3) / 4)]!,
      },
      ...(never === 0
        ? {}
        : { note: `${never} of ${found.length} found nothing within ${most}, and count as ${most + 1}` }),
    };
  } catch (error) {
    if (!(error instanceof Hang)) throw error;
    return { name, unit, value: undefined, samples: 0, note: `hangs: ${error.message}` };
  }
}
