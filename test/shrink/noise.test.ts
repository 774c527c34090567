import seedrandom from "seedrandom";
import { expect, test } from "vitest";

import dashboardSync from "../../models/dashboard-sync/model.js";
import { execute } from "../../src/execution/execution.js";
import { Lanes } from "../../src/execution/lanes.js";
import { assignedPool } from "../../src/execution/pool.js";
import type { OperationCall, Program } from "../../src/execution/program.js";
import type { Exploration } from "../../src/explore/explore.js";
import { judge } from "../../src/oracle/judge.js";
import { signatureOf, wayOf } from "../../src/oracle/violation.js";
import { writeCounterexample } from "../../src/report/counterexample-file.js";
import { investigate, type Found } from "../../src/shrink/investigate.js";
import type { Failing } from "../../src/shrink/rank.js";
import { random } from "../../src/strategy/random.js";
import { usable } from "../../src/usable-model.js";
import { sampled, serverForFile } from "../support.js";

const server = serverForFile();
const model = usable(dashboardSync);
const target = "counter equals failed rows: too high";

/** More with RACEPROOF_NOISE=20. */
const seeds = Number(process.env["RACEPROOF_NOISE"] ?? 3);

/** A redelivery and a retry of one partition among ten other operations, by any of the actors, about other partitions and runs. */
function noisy(generator: () => number): Program {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(generator() * list.length)]!;
  const all = [1, 2, 3].flatMap((run) => [1, 2].map((partition) => ({ run, partition })));
  const needed = pick(all);
  const others = all.filter((each) => each !== needed);
  const initial = {
    runs: [1, 2, 3].map((run) =>
      [1, 2].map((partition) => (needed.run === run && needed.partition === partition ? "failed" : "pending")),
    ),
  };
  const acts = new Map<string, OperationCall[]>(Object.keys(model.actors).map((name) => [name, []]));
  const workers = ["worker A", "worker B"];
  const users = ["user", "other user"];
  acts.get(pick(workers))!.push({ operation: "redeliver", parameters: { ...needed, outcome: "fails" } });
  acts.get(pick(users))!.push({ operation: "retry", parameters: { ...needed } });
  for (let i = 0; i < 10; i++) {
    const other = pick(others);
    const [actor, call] = pick<[string, OperationCall]>([
      [pick(workers), { operation: "deliver", parameters: { ...other, outcome: "succeeds" } }],
      [pick(users), { operation: "retry", parameters: other }],
      ["broker", { operation: "expire", parameters: other }],
      ["back office", { operation: "handle dead letter", parameters: other }],
      ["dashboard", { operation: pick(["view run", "view both"]), parameters: { run: other.run } }],
    ]);
    const list = acts.get(actor)!;
    if (generator() < 0.5) list.push(call);
    else list.unshift(call);
  }
  return { initial, actors: [...acts].map(([name, operations]) => ({ name, operations })) };
}

/** A program of the seed that breaks so under one of its first random schedules. */
async function failing(lanes: Lanes, seed: string): Promise<Failing> {
  const generator = seedrandom(seed);
  for (let tries = 0; tries < 400; tries++) {
    const program = noisy(generator);
    const assignment = { model, implementation: "legacy", program, pool: assignedPool, record: false };
    const executed = await lanes.run((lane) => execute(lane, assignment, sampled(random(seed), tries)));
    const violations = judge(model, program, executed);
    if (violations.some((violation) => wayOf(violation) === target))
      return { program, trace: executed.trace, violations };
  }
  throw new Error(`${seed}: found nothing`);
}

function fileOf({ signature, violations, program, trace, to, minimality, confirmed }: Found): string {
  return writeCounterexample({
    schema: "raceproof/counterexample@1",
    model: { name: model.name, module: null },
    implementation: "legacy",
    condition: "read committed",
    signature,
    violations,
    program,
    schedule: trace.schedule,
    trace,
    shrink: { to, minimality },
    confirmed,
    environment: { raceproof: "0", postgres: { version: "0", kind: "embedded", settings: {} } },
  });
}

test(
  `two operations among twelve: the two are left, in the same file whatever the seed (${seeds} seeds)`,
  { timeout: 20_000 * (1 + seeds) },
  async () => {
    const lanes = await Lanes.open(server(), model, 4);
    const replayLanes = await Lanes.open(server(), model, 2);
    const files = new Set<string>();
    const executions: number[] = [];
    try {
      for (let i = 0; i < seeds; i++) {
        const found = await failing(lanes, `noise ${i}`);
        const exploration = {
          failures: [{ ...found, execution: 0 }],
          seen: new Map([[signatureOf(found.violations), { times: 1, first: 0 }]]),
        } as unknown as Exploration;
        const all = await investigate(exploration, {
          lanes,
          replayLanes: async () => replayLanes,
          model,
          implementation: "legacy",
          budget: { inAll: 1_000, least: 120 },
        });
        const one = all.find(({ violations }) => violations.some((violation) => wayOf(violation) === target))!;
        expect(one.to).toMatchObject({ operations: 2, faults: 0, preemptions: 1, switches: 2 });
        expect(one.minimality.kind).toBe("proved");
        expect(one.confirmed).toEqual({ reproduced: 10, times: 10 });
        files.add(fileOf(one));
        executions.push(one.executions);
      }
    } finally {
      await lanes.close();
      await replayLanes.close();
    }
    expect(files.size).toBe(1);
    expect(Math.max(...executions)).toBeLessThan(500);
  },
);
