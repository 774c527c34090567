import v8 from "node:v8";
import vm from "node:vm";
import model from "../models/lost-update/model.js";
import { Lanes } from "../src/execution/lanes.js";
import { explore } from "../src/explore/explore.js";
import { random } from "../src/strategy/random.js";
import type { Bench } from "./bench.js";

/** Whether a long run grows: what is on the heap after so many executions of one exploration, over what was after the first thousand. */
export const memory: Bench = {
  name: "memory",
  about: "heap after a long run of executions over heap after 1,000",
  async *run({ server, quick, lanes: count, memoryExecutions }) {
    const [few, many] = quick ? [20, 100] : [1_000, memoryExecutions];
    const lanes = await Lanes.open(server, model, count);
    const heap = new Map<number, Usage>();
    try {
      await explore({
        lanes,
        model,
        implementation: "correct",
        strategy: random("memory"),
        seed: "memory",
        faults: false,
        budget: { executions: many },
        onProgress: ({ executions }) => {
          if (executions === few || executions === many) heap.set(executions, usage());
        },
      });
    } finally {
      await lanes.close();
    }
    const [before, after] = [heap.get(few)!, heap.get(many)!];
    const ratio = after.heap / before.heap;
    yield {
      name: `heap after ${many.toLocaleString("en-US")} executions over heap after ${few.toLocaleString("en-US")}`,
      unit: "ratio",
      value: { median: ratio, min: ratio, max: ratio },
      samples: 1,
      details: {
        "heap before, MB": before.heap,
        "heap after, MB": after.heap,
        "resident before, MB": before.resident,
        "resident after, MB": after.resident,
      },
    };
  },
};

/** In megabytes. */
interface Usage {
  readonly heap: number;
  readonly resident: number;
}

function usage(): Usage {
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed / 2 ** 20, resident: rss / 2 ** 20 };
}

v8.setFlagsFromString("--expose-gc");
const collectGarbage = vm.runInNewContext("gc") as () => void;
