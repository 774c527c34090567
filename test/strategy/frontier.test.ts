import fc from "fast-check";
import { expect, test } from "vitest";

import { Frontier } from "../../src/strategy/frontier.js";

test("the cheapest comes first, and of those that cost the same the oldest", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(4), { nil: undefined })), (moves) => {
      const frontier = new Frontier<number>();
      let model: { cost: number; item: number }[] = [];
      for (const [item, cost] of moves.entries()) {
        if (cost !== undefined) {
          frontier.push(cost, item);
          model.push({ cost, item });
          continue;
        }
        const [first] = model.toSorted((a, b) => a.cost - b.cost || a.item - b.item);
        expect(frontier.pop()).toBe(first?.item);
        model = model.filter((each) => each !== first);
      }
      expect(frontier.size).toBe(model.length);
    }),
  );
});
