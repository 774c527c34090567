import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

import { afterAll, describe, expect, onTestFinished, test } from "vitest";

import { Lanes } from "../../src/execution/lanes.js";
import { explore, type Exploration } from "../../src/explore/explore.js";
import { portfolio } from "../../src/explore/portfolio.js";
import { Checkpoint } from "../../src/store/checkpoint.js";
import { exhaustive } from "../../src/strategy/exhaustive.js";
import { urw } from "../../src/strategy/urw.js";
import { counterModel } from "../explore/counter.js";
import { serverForFile } from "../support.js";

const server = serverForFile();
const folder = mkdtempSync(path.join(os.tmpdir(), "raceproof-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const comparable = ({ coverage, failures, seen, problems }: Exploration) => ({
  coverage,
  failures: failures.map(({ execution, trace, violations }) => [execution, trace.schedule, trace.state, violations]),
  seen: [...seen],
  problems: [...problems],
});

test.each([urw("s"), exhaustive, portfolio("s")])(
  "an exploration by $name that is cut off again and again comes to the same",
  async (strategy) => {
    const model = counterModel({ faults: { a: ["crash"] } });
    const lanes = await Lanes.open(server(), model, 2);
    onTestFinished(() => lanes.close());
    const options = {
      lanes,
      model,
      implementation: "careless",
      faults: true,
      strategy,
      seed: "s",
      budget: { executions: 70 },
    };
    const alone = await explore(options);
    const file = path.join(folder, `${strategy.name}.checkpoint`);
    let executed = 0;
    let last = alone;
    for (const until of [7, 30, 31, Infinity]) {
      const checkpoint = await Checkpoint.open(file, { seed: "s" });
      const controller = new AbortController();
      const journal = checkpoint.journalOf("row");
      const result = await explore({
        ...options,
        signal: controller.signal,
        onProgress: ({ executions }) => executions >= until && controller.abort(),
        journal: {
          ...journal,
          note: (...noted) => {
            executed++;
            journal.note(...noted);
          },
        },
      });
      await checkpoint.close();
      expect(result.interrupted).toBe(until !== Infinity);
      last = result;
    }
    expect(last).not.toBe(alone);
    expect(comparable(last)).toEqual(comparable(alone));
    // Nothing that was learnt was run again.
    expect(executed).toBe(alone.coverage.executions);
    expect(alone.failures.length).toBeGreaterThan(0);
  },
);

describe("a file", () => {
  const identity = { seed: "s", strategy: "urw" };
  const fresh = async (name: string) => {
    const file = path.join(folder, name);
    const checkpoint = await Checkpoint.open(file, identity);
    await checkpoint.finish("one", { verdict: "holds" });
    checkpoint.journalOf("two").note(0, { problem: "nothing came of it" }, false);
    await checkpoint.close();
    return file;
  };

  test("tells what is finished, and what was learnt of the rest, to nobody but the same run", async () => {
    const file = await fresh("whole");
    const again = await Checkpoint.open(file, identity);
    expect(again.resultOf("one")).toEqual({ verdict: "holds" });
    expect(again.resultOf("two")).toBeUndefined();
    const job = {
      program: { initial: null, actors: [] },
      strategy: "urw",
      isScout: false,
      isCovered: false,
      scheduler: { choose: () => 0 },
      learn: () => undefined,
    };
    const journal = again.journalOf("two");
    expect([journal.recall(1, job), journal.recall(0, job), journal.recall(0, job)]).toEqual([
      undefined,
      { problem: "nothing came of it" },
      undefined,
    ]);
    await expect(Checkpoint.open(file, { ...identity, seed: "t" })).rejects.toThrow(
      /whole is of another run, which had another seed: "s" there, and "t" now\. Remove it/,
    );
    await again.remove();
    expect(() => statSync(file)).toThrow("ENOENT");
  });

  test("that is damaged, cut off or something else is not gone on with", async () => {
    const cut = await fresh("cut");
    truncateSync(cut, statSync(cut).size - 5);
    await expect(Checkpoint.open(cut, identity)).rejects.toThrow(/cut is damaged, or is no checkpoint/);
    const bent = await fresh("bent");
    const bytes = readFileSync(bent);
    bytes[Math.floor(bytes.length / 2)]! ^= 0xff;
    writeFileSync(bent, bytes);
    await expect(Checkpoint.open(bent, identity)).rejects.toThrow(/is damaged/);
    const short = await fresh("short");
    writeFileSync(
      short,
      gzipSync(
        gunzipSync(readFileSync(short))
          .toString()
          .replace(/\{"end.*\n/, ""),
      ),
    );
    await expect(Checkpoint.open(short, identity)).rejects.toThrow(/its end is missing/);
    writeFileSync(short, "a letter to somebody");
    await expect(Checkpoint.open(short, identity)).rejects.toThrow(/is no checkpoint/);
    writeFileSync(short, gzipSync('{"schema":"raceproof/verdict@1"}\n'));
    await expect(Checkpoint.open(short, identity)).rejects.toThrow(/no checkpoint of this version/);
    await expect(Checkpoint.open(folder, identity)).rejects.toThrow(/is a folder/);
  });
});
