import countersOnDisjointRows from "../models/counters-on-disjoint-rows/model.js";
import type { Executed } from "../src/execution/execution.js";
import { Lanes } from "../src/execution/lanes.js";
import type { Footprints } from "../src/footprint/footprints.js";
import { eventsOf, happensBefore } from "../src/strategy/events.js";
import { exhaustive } from "../src/strategy/exhaustive.js";
import type { Bench, Figure, Setting } from "./bench.js";
import { kernel, kernels, type Kernel } from "./kernels.js";
import { aboutOf, everyOrder, together } from "./search.js";

const calibration: readonly Kernel[] = [
  ...kernels.filter(({ model }) => ["lost-update", "write-skew", "receipt-and-batch"].includes(model.name)),
  kernel(
    countersOnDisjointRows,
    ["shard 1", "shard 2"],
    { "shard 1": ["increment"], "shard 2": ["increment"] },
    "correct",
  ),
  ...kernels
    .filter(({ model }) => model.name === "lock-ordered-transfer")
    .map((each) => ({ ...each, implementation: "correct" })),
];

/**
 * How many executions the exhaustive strategy takes, over the number of classes of orders that differ by more than swapping
 * neighbours that commute, which are counted among all the orders there are.
 */
export const reduction: Bench = {
  name: "reduction",
  about: "executions of the exhaustive strategy over equivalence classes, counted by running every order",
  async *run(setting) {
    for (const kernel of setting.quick ? calibration.slice(0, 1) : calibration) yield await reduced(kernel, setting);
  },
};

async function reduced(kernel: Kernel, { server, lanes: count }: Setting): Promise<Figure> {
  const lanes = await Lanes.open(server, kernel.model, count);
  try {
    const { footprints } = await aboutOf(lanes);
    const all = { executions: 0, classes: new Set<string>(), outcomes: new Set<string>() };
    for await (const executed of everyOrder(lanes, kernel)) {
      all.executions++;
      all.classes.add(classOf(executed, footprints()));
      all.outcomes.add(outcomeOf(executed));
    }
    const few = { executions: 0, outcomes: new Set<string>() };
    for await (const executed of together(lanes, kernel, exhaustive.search("", { footprints }))) {
      few.executions++;
      few.outcomes.add(outcomeOf(executed));
    }
    const missed = [...all.outcomes].filter((outcome) => !few.outcomes.has(outcome)).length;
    const ratio = few.executions / all.classes.size;
    return {
      name: `${kernel.model.name}, ${kernel.implementation}`,
      unit: "ratio",
      value: { median: ratio, min: ratio, max: ratio },
      samples: 1,
      aim: "at most 1.1",
      details: {
        orders: all.executions,
        classes: all.classes.size,
        "distinct outcomes": all.outcomes.size,
        executions: few.executions,
      },
      ...(missed === 0 ? {} : { note: `unsound: ${missed} outcomes were missed` }),
    };
  } finally {
    await lanes.close();
  }
}

/** The order of an execution's steps as far as it matters: which of them had to be behind which. */
function classOf(executed: Executed, footprints: Footprints): string {
  const events = eventsOf(executed, footprints);
  const { before } = happensBefore(events);
  const counts = new Map<string, number>();
  const names = events.map(({ actor }) => {
    const count = (counts.get(actor) ?? 0) + 1;
    counts.set(actor, count);
    return `${actor} ${count}`;
  });
  const lines = names.map((name, at) => {
    const earlier = names.filter((_, other) => (before[at]! >> BigInt(other)) % 2n === 1n);
    return `${name} < ${earlier.toSorted().join(", ")}`;
  });
  return lines.toSorted().join("\n");
}

/** What can be told from outside: what everybody was answered, and the state. */
function outcomeOf({ trace }: Executed): string {
  const answers = trace.operations.map(({ actor, index, result }) => `${actor} ${index} ${JSON.stringify(result)}`);
  return [...answers.toSorted(), JSON.stringify(trace.state)].join("\n");
}
