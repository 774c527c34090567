import pg from "pg";
import { describe, expect, test } from "vitest";

import { backends, play, returned, serverForFile, stage, story, type Act } from "../support.js";

const server = serverForFile();
const schema = "create table t (id int primary key, n int not null default 0)";
const rows = { t: [{ id: 1 }, { id: 2 }] };
const elsewhere = { connectionString: "postgres://nobody:secret@nowhere.invalid:1/none" };

const alone = (act: Act) => play(server(), { schema, rows, actors: { a: act } });

describe("new pg.Client() inside an operation", () => {
  test("connects to the lane, is gated, and ends", async () => {
    const act: Act = async () => {
      const client = new pg.Client({ ...elsewhere, application_name: "own", lock_timeout: 4321 });
      expect(await client.connect()).toBe(client);
      await client.query("begin");
      const { rows } = await client.query(
        "update t set n = n + 1 where id = 1 returning n, current_setting('application_name') as name, current_setting('lock_timeout') as timeout",
      );
      await client.query("commit");
      await client.end();
      return rows[0];
    };
    const staged = await stage(server(), { schema, rows, actors: { a: act, b: act } });
    const { trace } = await staged.run(["a", "b", "a", "b", "a", "b"]);
    expect(trace.steps.map(({ session, text }) => `${session}: ${text.slice(0, 6)}`)).toEqual([
      "a: begin",
      "b: begin",
      "a: update",
      "b: update",
      "a: commit",
      "b: commit",
    ]);
    expect(trace.steps[3]?.wait).toMatchObject({ holders: ["a"], until: 4 });
    expect([returned(trace, "a"), returned(trace, "b")]).toEqual([
      { n: 1, name: "own", timeout: "4321ms" },
      { n: 2, name: "own", timeout: "4321ms" },
    ]);
    expect(await backends(server(), "own")).toBe(0);
  });

  test("takes callbacks", async () => {
    const { trace } = await alone(
      () =>
        new Promise((resolve) => {
          const client = new pg.Client(elsewhere);
          client.connect((error?: Error | null) => {
            client.query("select 1 as one", (_: Error, { rows }: pg.QueryResult) => {
              client.end(() => resolve([error ?? null, rows]));
            });
          });
        }),
    );
    expect(returned(trace, "a")).toEqual([null, [{ one: 1 }]]);
  });

  test("of a class with settings of its own connects to the lane all the same", async () => {
    class Production extends pg.Client {
      constructor() {
        super("postgres://admin:secret@production.invalid/live");
      }
    }
    const { trace } = await alone(async () => {
      const client = new Production();
      await client.connect();
      const { rows } = await client.query("select n from t where id = 1");
      await client.end();
      return rows;
    });
    expect(returned(trace, "a")).toEqual([{ n: 0 }]);
  });

  test("that was connected before the execution works on its lane, and outside where it did", async () => {
    const database = await server().createDatabase();
    const before = new pg.Client(database.connection);
    await before.connect();
    const where = async () => (await before.query<{ name: string }>("select current_database() as name")).rows[0]!.name;
    const { trace } = await alone(async () => [await where(), await before.query("update t set n = 1 where id = 1")]);
    expect(returned(trace, "a")).not.toEqual(database.name);
    expect(story(trace)).toEqual(["a: select current_database() as name", "a: update t set n = 1 where id = 1"]);
    expect(await where()).toEqual(database.name);
    await before.end();
  });

  test("that a library keeps in a pool of its own serves one actor after the other, on every lane", async () => {
    const free: pg.Client[] = [];
    const transact = async (): Promise<void> => {
      const client = free.pop() ?? new pg.Client();
      if (!("known" in client)) {
        await client.connect();
        // Only a new connection is told so, and which one is new depends on what was run before.
        await client.query("set time zone 'Asia/Tokyo'");
        Object.assign(client, { known: true });
      }
      await client.query("begin");
      await client.query("update t set n = n + 1 where id = 1");
      await client.query("commit");
      const { rows } = await client.query<{ zone: string }>("select current_setting('timezone') as zone");
      expect(rows[0]!.zone).toBe("Asia/Tokyo");
      free.push(client);
    };
    const staged = await stage(server(), { schema, rows, actors: { a: transact, b: transact } }, 2);
    const traces = await Promise.all(Array.from({ length: 8 }, () => staged.run(["a", "b", "a", "b", "a", "b"])));
    const own = (name: string) =>
      ["begin", "update t set n = n + 1 where id = 1", "commit", "select current_setting('timezone') as zone"].map(
        (text) => `${name}: ${text}`,
      );
    for (const { trace } of traces) {
      expect(trace.operations.map(({ result }) => result)).toEqual([{ returned: null }, { returned: null }]);
      for (const name of ["a", "b"])
        expect(
          story(trace)
            .filter((line) => line.startsWith(name))
            .map((line) => line.replace(/ \(waited.*/, "")),
        ).toEqual(own(name));
    }
  });

  test("that is never ended is closed after the execution, and its transaction with it", async () => {
    const staged = await stage(server(), {
      schema,
      rows,
      actors: {
        a: async () => {
          const client = new pg.Client({ application_name: "forgotten" });
          await client.connect();
          await client.query("begin");
          await client.query("update t set n = 5");
        },
      },
      state: { t: "select n from t order by id" },
    });
    for (let i = 0; i < 3; i++) {
      const { trace, left } = await staged.run();
      expect(trace.state["t"]).toEqual([{ n: 0 }, { n: 0 }]);
      expect(left).toEqual(["a never released its connection"]);
    }
    expect(await backends(server(), "forgotten")).toBe(0);
  });

  test("that is ended while a statement has yet to be taken fails that statement", async () => {
    const { trace } = await alone(async () => {
      const client = new pg.Client();
      await client.connect();
      const late = client.query("select 1").catch((error: Error) => error.message);
      await client.end();
      return late;
    });
    expect(returned(trace, "a")).toMatch(/Client was closed/);
  });
});

describe("query objects", () => {
  test("report by events, on behalf of the actor", async () => {
    const { trace } = await alone(async ({ pool }) => {
      const client = await pool.connect();
      const events: unknown[] = [];
      await new Promise<void>((resolve, reject) => {
        const query = client.query(new pg.Query("select id from t where id < $1 order by id", [3]));
        query.on("row", (row: { id: number }) => void events.push(row.id));
        query.on("error", reject);
        query.on("end", ({ rowCount }) => {
          events.push(rowCount);
          // Not the client's: the listener has to be known as the actor.
          pool.query("select 'from a listener' as text", (error: Error | undefined, { rows }: pg.QueryResult) => {
            if (error !== undefined) return reject(error);
            events.push(rows[0].text);
            resolve();
          });
        });
      });
      client.release();
      return events;
    });
    expect(returned(trace, "a")).toEqual([1, 2, 2, "from a listener"]);
    expect(trace.steps[0]).toMatchObject({
      text: "select id from t where id < $1 order by id",
      values: [3],
      outcome: { kind: "rows", command: "SELECT", rowCount: 2 },
    });
  });

  test("report errors, which the record has too", async () => {
    const { trace } = await alone(async ({ pool }) => {
      const client = await pool.connect();
      const code = await new Promise((resolve) => {
        client.query(new pg.Query("select 1/0")).on("error", (error) => resolve((error as pg.DatabaseError).code));
      });
      const callback = await new Promise((resolve) => {
        client.query(new pg.Query("select 2 as two", [], (_error, { rows }) => resolve(rows)));
      });
      client.release();
      return [code, callback];
    });
    expect(returned(trace, "a")).toEqual(["22012", [{ two: 2 }]]);
    expect(story(trace)[0]).toBe("a: select 1/0 ! 22012");
  });
});

describe("what a client is told", () => {
  test("notices and notifications reach their listeners, as the actor; our reports of lock waits do not", async () => {
    const seen: string[] = [];
    const { trace } = await play(
      server(),
      {
        schema,
        rows,
        actors: {
          a: async ({ pool }) => {
            const client = await pool.connect();
            await client.query("begin");
            await client.query("update t set n = 1 where id = 1");
            await client.query("notify news, 'hello'");
            await client.query("commit");
            client.release();
          },
          b: async ({ pool }) => {
            const client = await pool.connect();
            client.on("notice", ({ message, severity }) => void seen.push(`${severity}: ${message}`));
            const told = new Promise<pg.QueryResult>((resolve, reject) => {
              client.on("notification", ({ payload }) => {
                pool.query("select $1 as payload", [payload]).then(resolve, reject);
              });
            });
            await client.query("listen news");
            await client.query("update t set n = n + 1 where id = 1");
            await client.query(
              "do $$ begin raise notice 'hi'; raise warning 'look'; raise log 'not for clients'; end $$",
            );
            const { rows } = await told;
            client.removeAllListeners("notice");
            client.release();
            return rows;
          },
        },
      },
      ["b", "a", "a", "b", "a", "a", "b"],
    );
    expect(trace.steps.filter(({ wait }) => wait !== null)).toHaveLength(1);
    expect(returned(trace, "b")).toEqual([{ payload: "hello" }]);
    expect(seen).toEqual(["NOTICE: hi", "WARNING: look"]);
  });

  test("values are parsed as pg's type parsers say, and by those of a pool", async () => {
    const pool = new pg.Pool({
      types: {
        getTypeParser: (oid: number) => (oid === 20 ? (text: string) => BigInt(text) : pg.types.getTypeParser(oid)),
      },
    });
    const original = pg.types.getTypeParser(1700) as (text: string) => unknown;
    pg.types.setTypeParser(1700, (text) => `numeric ${text}`);
    try {
      const { trace } = await alone(async (context) => {
        const [mine] = (await pool.query("select 1::int8 as big, 2::int4 as small")).rows;
        const [theirs] = (await context.pool.query("select 1::int8 as big, 1.5 as n, '{1,2}'::int[] as list")).rows;
        return [typeof mine.big, mine.small, theirs];
      });
      expect(returned(trace, "a")).toEqual(["bigint", 2, { big: "1", n: "numeric 1.5", list: [1, 2] }]);
    } finally {
      pg.types.setTypeParser(1700, original);
    }
  });
});
