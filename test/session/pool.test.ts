import { AsyncLocalStorage } from "node:async_hooks";

import pg from "pg";
import { describe, expect, test } from "vitest";

import { yieldPoint } from "../../src/index.js";
import { play, results, returned, serverForFile, stage, story, type Act } from "../support.js";

const server = serverForFile();

/** Made at import time, with a connection string that leads nowhere: as in code under test. */
const modulePool = new pg.Pool({ connectionString: "postgres://nobody:secret@nowhere.invalid:1/none", max: 4 });

const schema = "create table t (id int primary key, n int not null default 0 check (n < 100), note text)";
const rows = { t: [{ id: 1 }, { id: 2 }] };

/** Runs one actor's code against two rows. */
const alone = (act: Act) => play(server(), { schema, rows, actors: { a: act } });

describe("pool.query", () => {
  test("takes text, parameters, config objects and names, and answers as pg does", async () => {
    const { trace } = await alone(async ({ pool }) => {
      const plain = await pool.query("select 1 as one");
      const parameters = await pool.query("select $1::int + 1 as two", [1]);
      const config = await pool.query({ text: "select $1::text as three", values: ["3"] });
      const named = await pool.query({ name: "four", text: "select $1::int as four", values: [4] });
      const same = await pool.query({ name: "four", text: "select $1::int as four", values: [5] });
      const array = await pool.query({ text: "select 6, 7", rowMode: "array" });
      const several = (await pool.query("select 8 as eight; select 9 as nine")) as unknown as pg.QueryResult[];
      const update = await pool.query("update t set n = 1");
      return [
        plain.rows,
        plain.fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
        parameters.rows,
        config.rows,
        named.rows,
        same.rows,
        array.rows,
        several.map((each) => each.rows),
        [update.command, update.rowCount],
      ];
    });
    expect(returned(trace, "a")).toEqual([
      [{ one: 1 }],
      [["one", 23]],
      [{ two: 2 }],
      [{ three: "3" }],
      [{ four: 4 }],
      [{ four: 5 }],
      [[6, 7]],
      [[{ eight: 8 }], [{ nine: 9 }]],
      ["UPDATE", 2],
    ]);
    expect(trace.steps).toHaveLength(8);
    expect(trace.steps[1]).toMatchObject({ text: "select $1::int + 1 as two", values: [1], session: "a" });
    expect(trace.steps[2]).toMatchObject({ text: "select $1::text as three", values: ["3"] });
  });

  test("takes callbacks, wherever they may stand", async () => {
    const { trace } = await alone(
      ({ pool }) =>
        new Promise((resolve) => {
          const seen: unknown[] = [];
          pool.query("select 1 as one", (first, { rows }) => {
            seen.push(first ?? null, rows);
            pool.query("select $1::int as two", [2], (second, { rows }) => {
              seen.push(second ?? null, rows);
              pool.query({ text: "select 1/0" }, (third) => {
                seen.push((third as pg.DatabaseError).code);
                resolve(seen);
              });
            });
          });
        }),
    );
    expect(returned(trace, "a")).toEqual([null, [{ one: 1 }], null, [{ two: 2 }], "22012"]);
    expect(trace.steps.map(({ actor }) => actor)).toEqual(["a", "a", "a"]);
  });

  test("takes config objects that are frozen, or instances of a class with accessors", async () => {
    class Sql {
      constructor(private readonly value: number) {}
      get text() {
        return "select $1::int as value";
      }
      get values() {
        return [this.value];
      }
    }
    const frozen = Object.freeze({
      text: "select $1::int as value",
      values: Object.freeze([1]) as unknown as number[],
    });
    const { trace } = await alone(async ({ pool }) => {
      const client = await pool.connect();
      const ofClient = [await client.query(frozen), await client.query(new Sql(2)), await client.query(frozen, [3])];
      client.release();
      const ofPool = [await pool.query(frozen), await pool.query(new Sql(4))];
      return [...ofClient, ...ofPool].map(({ rows }) => rows[0].value);
    });
    expect(returned(trace, "a")).toEqual([1, 2, 3, 1, 4]);
    expect(trace.steps.map(({ values }) => values)).toEqual([[1], [2], [3], [1], [4]]);
    expect(Object.keys(frozen)).toEqual(["text", "values"]);
  });

  test("sends parameters as they were when it was called", async () => {
    const { trace } = await alone(async ({ pool }) => {
      const client = await pool.connect();
      const values = [1];
      const first = client.query("select $1::int as n", values);
      values[0] = 2;
      const { rows } = await first;
      client.release();
      return rows;
    });
    expect(returned(trace, "a")).toEqual([{ n: 1 }]);
  });

  test("refuses what pg refuses, as an error of the query", async () => {
    const { trace } = await alone(async ({ pool }) => {
      const messages: string[] = [];
      const note = (error: Error) => void messages.push(error.message);
      await pool.query({ text: "select 1", values: "x" as never }).catch(note);
      await pool.query({} as pg.QueryConfig).catch(note);
      await pool.query({ name: "n", text: "select 1" });
      await pool.query({ name: "n", text: "select 2" }).catch(note);
      const bad = {
        toPostgres: () => {
          throw new Error("bad value");
        },
      };
      await pool.query("select $1", [bad]).catch(note);
      await pool.query(undefined as unknown as pg.QueryConfig).catch(note);
      return [...messages, (await pool.query("select 3 as still")).rows[0].still];
    });
    expect(returned(trace, "a")).toEqual([
      "Query values must be an array",
      "A query must have either text or a name. Supplying neither is unsupported.",
      expect.stringMatching(/^Prepared statements must be unique/),
      "bad value",
      "Client was passed a null or undefined query",
      3,
    ]);
  });

  test("runs several at once: each is a choice of its own", async () => {
    const both: Act = ({ pool }) =>
      Promise.all([pool.query("update t set n = 1 where id = 1"), pool.query("update t set n = 2 where id = 2")]);
    const staged = await stage(server(), { schema, rows, actors: { a: both } });
    const inOrder = await staged.run(["a", "a#2"]);
    expect(story(inOrder.trace)).toEqual([
      "a: update t set n = 1 where id = 1",
      "a#2: update t set n = 2 where id = 2",
    ]);
    expect(inOrder.pending[0]!.map(({ session }) => session)).toEqual(["a", "a#2"]);
    const other = await staged.run(["a#2", "a"]);
    expect(other.trace.steps.map(({ session }) => session)).toEqual(["a#2", "a"]);
  });
});

describe("errors", () => {
  test("have Postgres' own fields", async () => {
    const { trace } = await alone(async ({ pool }) => {
      const seen: unknown[] = [];
      for (const sql of ["insert into t values (1)", "update t set n = 100", "insert into t values (null)", "selec"]) {
        await pool.query(sql).catch((error: unknown) => {
          const { name, code, severity, constraint, table, column, detail, position, schema } =
            error as pg.DatabaseError;
          const { stack } = error as Error;
          seen.push({ name, code, severity, constraint, table, column, detail, position, schema });
          seen.push(error instanceof pg.DatabaseError, stack?.includes("pool.test.ts"));
        });
      }
      return seen;
    });
    const fields = returned(trace, "a") as Record<string, string>[];
    expect(fields[0]).toMatchObject({
      name: "error",
      code: "23505",
      severity: "ERROR",
      constraint: "t_pkey",
      table: "t",
      schema: "public",
      detail: "Key (id)=(1) already exists.",
    });
    expect(fields[3]).toMatchObject({ code: "23514", constraint: "t_n_check" });
    expect(fields[6]).toMatchObject({ code: "23502", column: "id" });
    expect(fields[9]).toMatchObject({ code: "42601", position: "1" });
    expect(fields.filter((each) => typeof each === "boolean")).toEqual(Array.from({ length: 8 }, () => true));
    expect(story(trace)[0]).toBe("a: insert into t values (1) ! 23505");
  });

  test("that leave an operation are recorded with their code, or without where they are not Postgres'", async () => {
    const { trace } = await play(server(), {
      schema,
      rows,
      actors: {
        a: ({ pool }) => pool.query("insert into t values (1)"),
        b: () => {
          throw new TypeError("oops");
        },
        c: () => Promise.reject(Object.assign(new Error("x"), { code: "ENOENT" })),
        // oxlint-disable-next-line no-throw-literal -- code under test may
        d: () => Promise.reject("text"),
      },
    });
    expect(results(trace, "a")).toEqual([{ threw: expect.objectContaining({ name: "error", code: "23505" }) }]);
    expect(results(trace, "b")).toEqual([{ threw: { name: "TypeError", message: "oops", code: null } }]);
    expect(results(trace, "c")).toEqual([{ threw: { name: "Error", message: "x", code: null } }]);
    expect(results(trace, "d")).toEqual([{ threw: { name: "non-error", message: "text", code: null } }]);
  });

  test("that only talk of termination are no lost connections", async () => {
    const { trace } = await alone(({ pool }) =>
      pool
        .query("do $$ begin raise exception 'contract terminated, EPIPE' using errcode = '57P05'; end $$")
        .catch(({ code, message }: pg.DatabaseError) => `${code} ${message}`),
    );
    expect(returned(trace, "a")).toBe("57P05 contract terminated, EPIPE");
  });
});

describe("pool.connect", () => {
  test("gives a client whose transaction is its own, by promise and by callback", async () => {
    const { trace } = await alone(async ({ pool }) => {
      const client = await pool.connect();
      await client.query("begin");
      await client.query("update t set n = 7 where id = 1");
      const outside = await pool.query("select n from t where id = 1");
      await client.query("commit");
      client.release();
      const inside = await new Promise((resolve, reject) => {
        pool.connect((error, client, release) => {
          if (error !== undefined) return reject(error);
          client!.query("select n from t where id = 1", (error: Error | null, { rows }: pg.QueryResult) => {
            release();
            if (error === null || error === undefined) resolve(rows);
            else reject(error);
          });
        });
      });
      return [outside.rows, inside];
    });
    expect(returned(trace, "a")).toEqual([[{ n: 0 }], [{ n: 7 }]]);
    expect(trace.steps.map(({ session, transaction }) => `${session} ${transaction}`)).toEqual([
      "a open",
      "a open",
      "a#2 none",
      "a none",
      "a none",
    ]);
  });

  test("queues statements of one client that nobody awaited, in their order", async () => {
    const { trace } = await alone(async ({ pool }) => {
      const client = await pool.connect();
      const all = [client.query("begin"), client.query("select 1"), client.query("commit")];
      await Promise.all(all);
      client.release();
    });
    expect(story(trace)).toEqual(["a: begin", "a: select 1", "a: commit"]);
  });

  test("gives clients in the order in which they were asked for, whichever was there first", async () => {
    const [fresh, used] = [new pg.Pool(), new pg.Pool()];
    const { trace } = await alone(async () => {
      await used.query("select 1");
      const given: string[] = [];
      const take = async (pool: pg.Pool, name: string) => {
        const client = await pool.connect();
        given.push(name);
        await client.query("select 2");
        client.release();
      };
      await Promise.all([take(fresh, "fresh"), take(used, "used")]);
      return given;
    });
    expect(returned(trace, "a")).toEqual(["fresh", "used"]);
    expect(trace.steps.map(({ session }) => session)).toEqual(["a", "a", "a#2"]);
  });

  test("refuses statements on a client that was released", async () => {
    const { trace } = await alone(async ({ pool }) => {
      const client = await pool.connect();
      client.release();
      const twice = () => client.release();
      const message = await client.query("select 1").catch((error: Error) => error.message);
      expect(twice).toThrow(/already been released/);
      return message;
    });
    expect(returned(trace, "a")).toMatch(/was released/);
    expect(trace.steps).toEqual([]);
  });

  test("with `max: 1` one actor stands in line behind the other", async () => {
    const pool = new pg.Pool({ max: 1 });
    const work =
      (id: number): Act =>
      async () => {
        const client = await pool.connect();
        await client.query(`update t set n = 1 where id = ${id}`);
        await client.query(`update t set n = 2 where id = ${id}`);
        client.release();
      };
    const staged = await stage(server(), { schema, rows, actors: { a: work(1), b: work(2), c: work(1) } });
    const { trace, pending } = await staged.run(["b", "c", "a", "b"]);
    expect(trace.steps.map(({ session }) => session)).toEqual(["a", "a", "b", "b", "c", "c"]);
    expect(pending.map((choices) => choices.map(({ session }) => session).join())).toEqual([
      "a",
      "a",
      "b",
      "b",
      "c",
      "c",
    ]);
  });

  test("says so when everybody waits for a connection that nobody gives back", async () => {
    const pool = new pg.Pool({ max: 1 });
    const greedy: Act = async () => {
      const client = await pool.connect();
      await pool.query("select 1");
      client.release();
    };
    const staged = await stage(server(), { actors: { a: greedy, b: () => pool.query("select 2") } });
    const { trace } = await staged.run();
    const message = '"a" and "b" wait for a connection from a pool that nobody gives back to';
    for (const actor of ["a", "b"])
      expect(results(trace, actor)).toEqual([{ threw: { name: "Stuck", message, code: null } }]);
  });
});

describe("a pool made at import time, with a connection string that leads nowhere", () => {
  const count: Act = async () => {
    const { rows } = await modulePool.query("select current_database() as database, n from t where id = 1");
    await modulePool.query("update t set n = $1 where id = 1", [Number(rows[0].n) + 1]);
    return rows[0];
  };

  test("serves several lanes at once, each in its own database", async () => {
    const staged = await stage(server(), { schema, rows, actors: { a: count, b: count } }, 4);
    const all = await Promise.all(Array.from({ length: 12 }, () => staged.run(["a", "a", "b", "b"])));
    const seen = all.map(({ trace }) => [returned(trace, "a"), returned(trace, "b")] as Record<string, unknown>[]);
    expect(new Set(seen.flat().map(({ database }) => database)).size).toBe(4);
    for (const [a, b] of seen) expect([a!["n"], b!["n"], a!["database"]]).toEqual([0, 1, b!["database"]]);
    expect(modulePool.totalCount).toBe(0);
  });

  test("outlives an actor that ends it", async () => {
    const staged = await stage(server(), {
      schema,
      rows,
      actors: {
        a: async () => {
          await modulePool.query("select 1");
          await modulePool.end();
          await new Promise<void>((resolve) => modulePool.end(resolve));
        },
      },
    });
    await staged.run();
    expect((await staged.run()).trace.steps).toHaveLength(1);
    expect(modulePool.ended).toBe(false);
  });

  test("keeps what else it asks for, and tells its listeners", async () => {
    const url =
      "postgres://x@nowhere.invalid/none?application_name=mine&statement_timeout=1234&options=-csearch_path%3Dother";
    class MyClient extends pg.Client {
      constructor() {
        super({ connectionString: url });
      }
      shout() {
        return "mine";
      }
    }
    const pool = new pg.Pool({ connectionString: url, Client: MyClient, ssl: { rejectUnauthorized: true } });
    const events: string[] = [];
    for (const event of ["connect", "acquire", "release"] as const) pool.on(event, () => void events.push(event));
    const settings = `select current_setting('application_name') as name, current_setting('statement_timeout') as timeout,
      current_setting('search_path') as path, current_setting('log_lock_waits') as waits`;
    const { trace } = await play(server(), {
      actors: {
        a: async () => {
          const client = (await pool.connect()) as pg.PoolClient & MyClient;
          const { rows } = await client.query(settings);
          client.release();
          return [client.shout(), rows[0]];
        },
      },
    });
    const asked = { name: "mine", timeout: "1234ms", path: "other", waits: "on" };
    expect(returned(trace, "a")).toEqual(["mine", asked]);
    const plain = new pg.Pool({ connectionString: url });
    const other = await alone(async () => (await plain.query(settings)).rows);
    expect(returned(other.trace, "a")).toEqual([asked]);
    expect(events).toEqual(["connect", "acquire", "release"]);
    expect(trace.steps).toHaveLength(1);
  });
});

describe("whose statement it is", () => {
  test("is kept across pool handoffs, callbacks, events and timers", async () => {
    const own = new AsyncLocalStorage<string>();
    const pool = new pg.Pool({ max: 1 });
    const act =
      (name: string): Act =>
      () =>
        own.run(`${name}'s`, async () => {
          await pool.query("select 1");
          await new Promise<void>((resolve, reject) => {
            pool.query("select 2", (error: Error) => {
              setImmediate(() => {
                pool.query("select 3", () => (error ? reject(error) : resolve()));
              });
            });
          });
          await yieldPoint("by hand");
          return own.getStore();
        });
    const { trace } = await play(server(), { actors: { a: act("a"), b: act("b") } }, ["a", "b", "a", "b", "b", "a"]);
    expect([returned(trace, "a"), returned(trace, "b")]).toEqual(["a's", "b's"]);
    for (const actor of ["a", "b"]) {
      const own = trace.steps.filter((step) => step.actor === actor).map(({ text }) => text);
      expect(own).toEqual(["select 1", "select 2", "select 3", "by hand"]);
    }
  });

  test("outside an execution nothing is gated", async () => {
    await yieldPoint("nobody's");
    const database = await server().createDatabase();
    const pool = new pg.Pool(database.connection);
    const { rows } = await pool.query("select 1 as one");
    expect(rows).toEqual([{ one: 1 }]);
    const client = await pool.connect();
    expect((await client.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
    client.release();
    await pool.end();
    expect(pool.ended).toBe(true);
  });
});
