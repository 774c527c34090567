import { expect, test } from "vitest";

import model from "../../../models/dashboard-sync/model.js";
import { execute } from "../../../src/execution/execution.js";
import { Lanes } from "../../../src/execution/lanes.js";
import type { Program } from "../../../src/execution/program.js";
import { assignedPool } from "../../../src/execution/pool.js";
import { judge } from "../../../src/oracle/judge.js";
import { follow } from "../../../src/strategy/follow.js";
import { usable } from "../../../src/usable-model.js";
import { serverForFile } from "../../support.js";

const server = serverForFile();
const target = { run: 1, partition: 1 };

/** A lock that expires: worker A is about to create a worker run; B creates it and fails, and a user retries. */
const startedTwice: Program = {
  initial: { runs: [["pending"]] },
  actors: [
    { name: "worker A", operations: [{ operation: "deliver", parameters: { ...target, outcome: "succeeds" } }] },
    { name: "broker", operations: [{ operation: "expire", parameters: target }] },
    { name: "worker B", operations: [{ operation: "redeliver", parameters: { ...target, outcome: "fails" } }] },
    { name: "user", operations: [{ operation: "retry", parameters: target }] },
  ],
};

test.each(["option-1a-repaired", "option-1b-repaired", "option-2-repaired", "option-3-repaired", "fixed"])(
  "%s: who finds a worker run of somebody else, and then finds it gone, has one all the same",
  async (implementation) => {
    const lanes = await Lanes.open(server(), usable(model), 1);
    const assignment = {
      model: usable(model),
      implementation,
      program: startedTwice,
      pool: assignedPool,
      record: false,
    };
    try {
      // A's INSERT comes behind B's; the user's retry directly behind it, before A looks what is there.
      for (const back of [12, 13, 14, 15, 16]) {
        const schedule = [
          { step: 1, to: "broker" },
          { step: 3, to: "worker B" },
          { step: back, to: "user" },
        ];
        const executed = await lanes.run((lane) => execute(lane, assignment, follow(schedule)));
        expect(judge(usable(model), startedTwice, executed)).toEqual([]);
      }
    } finally {
      await lanes.close();
    }
  },
);
