import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { assertNoRace, defineModel, fc, modelOfCommands, RaceError, UsageError, yieldPoint } from "../../src/index.js";

// A stranger's module, with a pool of its own for a database that does not exist.
const pool = new pg.Pool({ host: "nowhere.invalid" });

const reports = mkdtempSync(path.join(os.tmpdir(), "race-reports-"));
afterAll(() => rmSync(reports, { recursive: true }));

const counter = {
  schema: "create table counter (n integer not null); insert into counter values (0)",
  reports: false as const,
};

async function increment(lock = ""): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<{ n: number }>(`select n from counter ${lock}`);
    await client.query("update counter set n = $1", [rows[0]!.n + 1]);
    await client.query("commit");
    return rows[0]!.n + 1;
  } finally {
    client.release();
  }
}

async function countedTwice(): Promise<void> {
  const { rows } = await pool.query<{ n: number }>("select n from counter");
  expect(rows[0]!.n).toBe(2);
}

async function failureOf(race: Promise<unknown>): Promise<RaceError> {
  const error: unknown = await race.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RaceError) return error;
  throw new Error(`no race was found: ${String(error)}`);
}

test("a lost update fails with its timeline, at the line of the test, and the schedule that is printed pins it", async () => {
  const race = { ...counter, name: "increments", concurrently: { alice: () => increment(), bob: () => increment() } };
  const failure = await failureOf(assertNoRace({ ...race, invariant: countedTwice, reports }));
  const { name, message, stack, counterexample } = failure;
  // Runners that print all properties of an error must not print the counterexample behind its timeline.
  expect(JSON.parse(JSON.stringify(failure))).toEqual({ name, message, stack });

  expect(message).toMatch(/^a race breaks "invariant"\n/);
  expect(message).toContain("expected 1 to be 2");
  expect(message).toMatch(/update counter set n = ‹1›[^]*update counter set n = ‹1›/);
  expect(stack?.split("\n").find((line) => /^ +at /.test(line))).toContain("assert-no-race.test.ts");
  expect(counterexample.shrink.to.switches).toBe(2);
  const [, schedule] = /pin it here: schedule: (.*)\n/.exec(message) ?? [];
  expect(schedule).toBe('[{ step: 2, to: "bob" }]');
  const [, file, filter] =
    /RACEPROOF_REPLAY=(\S+) npx vitest run test\/testing\/assert-no-race\.test\.ts -t '(.*)'/.exec(message) ?? [];
  expect(readdirSync(reports)).toEqual([path.basename(file!)]);
  expect(filter).toMatch(/^a lost update fails with its timeline/);

  const literal = [{ step: 2, to: "bob" }];
  const pinned = await failureOf(assertNoRace({ ...race, invariant: countedTwice, schedule: literal }));
  expect(pinned.counterexample.schedule).toEqual(literal);
  const serial = await assertNoRace({ ...race, invariant: countedTwice, schedule: [] });
  expect(serial.claim).toBe("1 pinned schedule");

  withEnvironment("RACEPROOF_REPLAY", file!);
  const replayed = await failureOf(assertNoRace({ ...race, invariant: countedTwice, reports: false }));
  expect(replayed.message).toContain(`RACEPROOF_REPLAY=${file}`);
  // The code was fixed in a way that leaves the statements as they are.
  const fixed = await assertNoRace({ ...race, reports: false });
  expect(fixed.claim).toBe(`replayed ${file}: the same steps, and every invariant holds`);
  await expect(
    assertNoRace({
      ...race,
      concurrently: { alice: () => increment("for update"), bob: () => increment("for update") },
    }),
  ).rejects.toThrow("the statement differs");
});

function withEnvironment(name: string, value: string): void {
  process.env[name] = value;
  onTestFinished(() => {
    delete process.env[name];
  });
}

test("correct code holds, with how far that goes", async () => {
  const { claim, verdicts } = await assertNoRace({
    ...counter,
    concurrently: [() => increment("for update"), () => increment("for update")],
    invariant: async ({ results }) => {
      await countedTwice();
      expect(results.map((each) => each.status === "fulfilled" && each.value)).toEqual(expect.arrayContaining([1, 2]));
    },
  });
  expect(claim).toMatch(/^all orders \(about 70\) of 1 program, in \d+ executions$/);
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(["holds"]);
});

test("migrations of the user's own make the tables, setup makes a world anew, and both go where the lane is", async () => {
  const urls = new Set<string>();
  const result = await assertNoRace({
    name: "inbox",
    reports: false,
    schema: async ({ url }) => {
      urls.add(new URL(url).pathname);
      await pool.query("create table job (id serial primary key, taken_by text)");
      // As a tool in another process would.
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query("insert into job default values");
      await client.end();
    },
    setup: async () => {
      await pool.query("insert into job default values");
      return { taken: [] as number[] };
    },
    concurrently: {
      a: ({ world }) => take(world.taken, "a"),
      b: ({ world }) => take(world.taken, "b"),
    },
    invariants: {
      "no job is taken twice": ({ world }) => new Set(world.taken).size === world.taken.length,
      "every job is there": async () => {
        const { rows } = await pool.query("select id from job order by id");
        expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
      },
    },
  }).catch((error: unknown) => error);
  expect(urls.size).toBeGreaterThan(0);
  expect(result).toMatchObject({
    name: "RaceError",
    message: expect.stringContaining('"no job is taken twice"') as string,
  });
});

async function take(taken: number[], who: string): Promise<void> {
  const { rows } = await pool.query<{ id: number }>("select id from job where taken_by is null order by id limit 1");
  await pool.query("update job set taken_by = $1 where id = $2", [who, rows[0]!.id]);
  taken.push(rows[0]!.id);
}

test("levels and faults are conditions of their own", async () => {
  const race = { ...counter, concurrently: { a: () => increment(), b: () => increment() }, invariant: countedTwice };
  const atSerializable = { ...race, isolation: "serializable" as const };
  const refused = await failureOf(assertNoRace(atSerializable));
  expect(refused.message).toContain("40001");
  const tolerant = {
    ...atSerializable,
    invariant: ({ results }: { results: Record<string, { status: string }> }) => lost(results),
  };
  const { verdicts } = await assertNoRace(tolerant);
  expect(verdicts.map(({ condition }) => condition)).toEqual(["serializable"]);

  const crash = await failureOf(
    assertNoRace({
      ...race,
      concurrently: { a: () => increment() },
      faults: ["crash"],
      invariant: ({ results }) => results.a.status !== "crashed",
    }),
  );
  expect(crash.message).toMatch(/^a fault breaks/);
});

async function lost(results: Record<string, { status: string }>): Promise<void> {
  const { rows } = await pool.query<{ n: number }>("select n from counter");
  expect(rows[0]!.n).toBe(Object.values(results).filter(({ status }) => status === "fulfilled").length);
}

test("what is broken without any race is told apart", async () => {
  const { message } = await failureOf(
    assertNoRace({
      ...counter,
      concurrently: { a: () => increment(), b: () => increment() },
      invariant: () => "never",
    }),
  );
  expect(message).toMatch(/^running one after the other, without any race, breaks "invariant"/);
});

test("code that is known to be broken passes where it is expected to, and correct code fails there", async () => {
  const race = { ...counter, invariant: countedTwice, expect: "violates" as const };
  await assertNoRace({ ...race, concurrently: { a: () => increment(), b: () => increment() } });
  const correct = { ...race, concurrently: { a: () => increment("for update"), b: () => increment("for update") } };
  await expect(assertNoRace(correct)).rejects.toThrow("no race was found, and one was expected");
});

test("what is wrong with the test itself is said in one sentence, at its place", async () => {
  const concurrently = { a: () => increment() };
  const mistakes: [race: object, message: RegExp][] = [
    [{ ...counter, concurrently: {} }, /`concurrently` must be functions/],
    [{ ...counter, concurrently, schema: "create tabel" }, /Postgres refuses the schema/],
    [
      { ...counter, concurrently, invariant: () => pool.query("select nothing from nowhere") },
      /the invariant "invariant" threw error/,
    ],
    [
      { ...counter, concurrently, setup: () => pool.query("insert into nowhere values (1)") },
      /setup of model .* threw error/,
    ],
    [
      { ...counter, concurrently, setup: () => pool.connect() },
      /did not clean up after itself: .* never released its connection/,
    ],
    [{ ...counter, concurrently, schedule: [{ step: 0, to: "nobody" }] }, /does not fit the code any more: at step 1/],
    [
      { ...counter, concurrently: { a: () => yieldPoint("nothing happens") }, strategy: "luck" },
      /there is no strategy "luck"/,
    ],
  ];
  for (const [race, message] of mistakes) {
    const error: unknown = await assertNoRace(race as never).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).stack).toContain("assert-no-race.test.ts");
  }
});

test("set-up and invariants may leave clients where a library keeps them", async () => {
  const kept = new pg.Client({ host: "nowhere.invalid" });
  let connecting: Promise<unknown> | undefined;
  const { claim } = await assertNoRace({
    ...counter,
    setup: async () => {
      await (connecting ??= kept.connect());
      await kept.query("update counter set n = 0");
    },
    concurrently: { alice: () => increment("for update"), bob: () => increment("for update") },
    invariant: async () => expect((await kept.query("select n from counter")).rows).toEqual([{ n: 2 }]),
  });
  expect(claim).toMatch(/^all orders/);
});

test("where nothing overlapped, the claim says so", async () => {
  const narrow = new pg.Pool({ host: "nowhere.invalid", max: 1 });
  const act = async () => {
    const client = await narrow.connect();
    await client.query("begin");
    await client.query("update counter set n = n + 1");
    await client.query("commit");
    client.release();
  };
  const { claim } = await assertNoRace({ ...counter, concurrently: { alice: act, bob: act }, invariant: countedTwice });
  expect(claim).toMatch(/; no two operations overlapped in any of them\. .*`max: 1`\?$/);
});

test("code that takes no step proves nothing", async () => {
  await expect(assertNoRace({ ...counter, concurrently: { a: () => 1, b: () => 2 } })).rejects.toThrow(
    "no statement was seen",
  );
});

test("the full form: a model with generated operations, parameters from arbitraries, and a reference", async () => {
  const model = defineModel({
    name: "counter",
    schema: "create table counter (n integer not null)",
    implementations: { current: { create: () => (by: number) => add(by) } },
    initial: fc.nat({ max: 3 }),
    seed: (n) => ({ counter: [{ n }] }),
    operations: {
      add: { parameters: fc.integer({ min: 1, max: 5 }), run: ({ implementation }, by: number) => implementation(by) },
    },
    actors: { a: ["add"], b: ["add"] },
    invariants: {},
    reference: {
      initial: (n: number) => n,
      explain: { add: (n: number, { parameters }) => [n + (parameters as number)] },
      final: (n: number, { counter: rows = [] }) =>
        rows[0]!["n"] === n ? undefined : { way: "another number", message: `${n}` },
    },
  });
  const { counterexample } = await failureOf(assertNoRace(model, { reports: false, seed: "any", executions: 200 }));
  expect(counterexample.signature).toBe("some sequential order explains it: another number");
  expect(counterexample.shrink.to).toMatchObject({ operations: 2, switches: 2 });
});

async function add(by: number): Promise<void> {
  const { rows } = await pool.query<{ n: number }>("select n from counter");
  await pool.query("update counter set n = $1", [rows[0]!.n + by]);
}

interface Stock {
  left: number;
}

class Buy implements fc.AsyncCommand<Stock, string> {
  constructor(readonly pieces: number) {}
  check = (model: Readonly<Stock>) => model.left >= this.pieces;
  async run(model: Stock, table: string): Promise<void> {
    model.left -= this.pieces;
    const { rows } = await pool.query<{ n: number }>(`select n from ${table}`);
    await pool.query(`update ${table} set n = $1`, [rows[0]!.n - this.pieces]);
  }
  toString = () => `buy ${this.pieces}`;
}

test("commands of fast-check's are used as they are", async () => {
  const model = modelOfCommands({
    name: "stock",
    schema: "create table stock (n integer not null)",
    commands: fc.commands([fc.integer({ min: 1, max: 3 }).map((pieces) => new Buy(pieces))]),
    setup: async ({ pool }) => {
      await pool.query("insert into stock values (5)");
      return { model: { left: 5 }, real: "stock" };
    },
    invariants: {
      "the stock is what the model says": async ({ model, pool }) => {
        const { rows } = await pool.query<{ n: number }>("select n from stock");
        expect(rows[0]!.n).toBe(model.left);
      },
    },
  });
  const { counterexample, message } = await failureOf(assertNoRace(model, { reports: false, executions: 200 }));
  expect(counterexample.shrink.to.operations).toBe(2);
  expect(message).toMatch(/▸ buy \d/);
});
