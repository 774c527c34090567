import { expect, test } from "vitest";

import type { Lane } from "../../src/execution/lane.js";
import type { State } from "../../src/execution/model.js";
import type { Step } from "../../src/execution/trace.js";
import { Watch } from "../../src/explanation/watch.js";

/** A lane whose state is this, one look after the other; undefined while a table is locked against readers. */
function laneOf(states: (State | undefined)[]): Lane {
  return { state: async () => states.shift(), views: async () => new Map<string, State>() } as unknown as Lane;
}

const step = (index: number, text: string, transaction: Step["transaction"]) =>
  ({ index, session: "a", kind: "statement", text, transaction }) as Step;

test("what was committed while nobody could look is seen as soon as somebody can", async () => {
  const watch = new Watch(() => false);
  const lane = laneOf([{ t: [{ n: 1 }] }, undefined, { t: [{ n: 2 }] }]);
  await watch.look(lane, undefined, undefined);
  await watch.look(lane, step(0, "commit", "none"), undefined);
  await watch.look(lane, step(1, "update u set n = 1", "open"), undefined);
  expect(watch.views).toEqual([{ committed: { t: [{ n: 1 }] } }, {}, { committed: { t: [{ n: 2 }] } }]);
});

test("nobody looks at what is committed behind a step that cannot have changed it", async () => {
  const watch = new Watch(() => false);
  const lane = laneOf([{ t: [{ n: 1 }] }]);
  await watch.look(lane, undefined, undefined);
  await watch.look(lane, step(0, "update t set n = 2", "open"), undefined);
  expect(watch.views).toEqual([{ committed: { t: [{ n: 1 }] } }, {}]);
});
