import { describe, expect, test } from "vitest";

import { Queue } from "../../../models/dashboard-sync/queue.js";
import { reference } from "../../../models/dashboard-sync/reference.js";
import type { Call, Json } from "../../../src/index.js";

const p1 = { runId: "r1", partitionId: "p1" };
const initial = (state: "failed" | "pending") => reference.initial({ runs: [[state]] });

/** The states that remain once calls with these answers have been made, one after the other. */
function after(
  start: ReturnType<typeof initial>,
  ...calls: [name: string, parameters: Json, result: Call["result"]][]
) {
  return calls.reduce<ReturnType<typeof initial>[]>(
    (states, [name, parameters, result]) =>
      states.flatMap((state) => [...reference.explain[name]!(state, { actor: "somebody", name, parameters, result })]),
    [start],
  );
}

const nothing = { returned: null };
const started = (id: string) => ["startWork", p1, { returned: { id } }] as const;
const fails = (workerRun: string) => ["recordFailure", { ...p1, workerRun }, nothing] as const;
const succeeds = (workerRun: string) => ["recordSuccess", { ...p1, workerRun, records: 10 }, nothing] as const;
const reset = ["resetFailedWorker", p1, nothing] as const;
const run = (states: ReturnType<typeof after>) => states.map((state) => state["r1/p1"]!.run);

describe("the reference", () => {
  test("knows a new worker run from the answer, and an old one by its id", () => {
    expect(run(after(initial("pending"), [...started("7")]))).toEqual([{ id: "7", status: "running", records: 0 }]);
    expect(run(after(initial("failed"), [...started("1001")]))).toEqual([{ id: "1001", status: "failed", records: 0 }]);
    expect(after(initial("failed"), [...started("7")])).toEqual([]);
  });

  test("counts a failure once, and lets a success take it back", () => {
    expect(run(after(initial("failed"), [...fails("1001")]))).toEqual([{ id: "1001", status: "failed", records: 0 }]);
    expect(run(after(initial("failed"), [...succeeds("1001")]))).toMatchObject([{ status: "completed", records: 10 }]);
  });

  test("keeps a success, whoever fails later", () => {
    const states = after(initial("failed"), [...succeeds("1001")], [...fails("1001")]);
    expect(run(states)).toMatchObject([{ status: "completed" }]);
  });

  test("drops what is reported on a worker run that a retry took away", () => {
    expect(run(after(initial("failed"), [...reset], [...fails("1001")]))).toEqual([null]);
    expect(run(after(initial("failed"), [...reset], [...started("7")], [...succeeds("1001")]))).toMatchObject([
      { id: "7", status: "running" },
    ]);
  });

  test("has a retry tell the truth, where it tells anything", () => {
    const says = (returned: boolean) => ["resetFailedWorker", p1, { returned }] as const;
    expect(run(after(initial("failed"), [...says(true)]))).toEqual([null]);
    expect(after(initial("failed"), [...says(false)])).toEqual([]);
    expect(after(initial("pending"), [...says(true)])).toEqual([]);
  });

  test("knows which attempt something is about, where that is said", () => {
    const old = { ...p1, attempt: 0 };
    const states = after(initial("failed"), ["resetFailedWorker", old, nothing]);
    expect(run(after(states[0]!, ["startWork", old, nothing]))).toEqual([null]);
    expect(after(states[0]!, ["startWork", old, { returned: { id: "7" } }])).toEqual([]);
    expect(run(after(states[0]!, ["recordDeadLetter", old, nothing]))).toEqual([null]);
    expect(run(after(states[0]!, ["recordDeadLetter", { ...p1, attempt: 1 }, nothing]))).toMatchObject([
      { id: null, status: "failed" },
    ]);
  });

  test("allows both of a call that ended with its process, or with an error", () => {
    for (const result of [{ crashed: true }, { threw: { name: "error", message: "", code: "40001" } }] as const) {
      expect(run(after(initial("failed"), ["resetFailedWorker", p1, result]))).toEqual([
        { id: "1001", status: "failed", records: 0 },
        null,
      ]);
    }
  });

  test("explains no error that a call would not have come to by itself", () => {
    const failed = { threw: { name: "error", message: "there is one", code: "23505" } };
    expect(after(initial("failed"), ["resetFailedWorker", p1, failed])).toEqual([]);
    expect(after(initial("failed"), ["getRunDetails", { runId: "r1" }, failed])).toEqual([]);
  });

  test("explains no answer of the dashboard that is of two moments", () => {
    const page = (failedWorkers: number, status: string) => ({
      run: { runId: "r1", expectedWorkers: 1, completedWorkers: 0, failedWorkers, totalRecords: 0, status: "failed" },
      workers: [{ partition_id: "p1", status }],
    });
    const shows = (returned: Json) => after(initial("failed"), ["getRunDetails", { runId: "r1" }, { returned }]);
    expect(shows(page(1, "failed"))).toHaveLength(1);
    expect(shows(page(1, "running"))).toEqual([]);
    expect(shows(page(0, "failed"))).toEqual([]);
  });

  test("compares flags and worker runs with what the calls lead to", () => {
    const flags = [{ run_id: "r1", partition_id: "p1", completed: false, failed: true }];
    const rows = [{ run_id: "r1", partition_id: "p1", status: "failed", records: 0, error: true }];
    const world = { world: new Queue([]) };
    expect(reference.final!(initial("failed"), { flags, rows }, world)).toBeUndefined();
    expect(reference.final!(initial("failed"), { flags, rows: [] }, world)).toMatchObject({
      way: "worker run of a partition",
    });
    const silent = [{ ...rows[0], error: false }];
    expect(reference.final!(initial("failed"), { flags, rows: silent }, world)).toMatchObject({
      way: "error message of a partition",
    });
    const unflagged = [{ ...flags[0], failed: false }];
    expect(reference.final!(initial("failed"), { flags: unflagged, rows }, world)).toMatchObject({
      way: "flags of a partition",
    });
  });
});
