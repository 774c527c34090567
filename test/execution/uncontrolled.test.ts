import { createServer } from "node:http";
import net, { type AddressInfo } from "node:net";

import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";

import { yieldPoint } from "../../src/index.js";
import { judge } from "../../src/oracle/judge.js";
import { follow } from "../../src/strategy/follow.js";
import {
  backends,
  play,
  programOf,
  results,
  returned,
  serverForFile,
  sleep,
  stage,
  story,
  type Act,
} from "../support.js";

const server = serverForFile();
const schema = "create table t (id int primary key, n int not null default 0)";
const rows = { t: [{ id: 1 }] };
const limits = { uncontrolled: 300, statement: 500 };

/** A mutex inside the process, as code under test may have one. */
class Mutex {
  #last: Promise<void> = Promise.resolve();

  async run<T>(body: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let open!: () => void;
    this.#last = new Promise((resolve) => {
      open = resolve;
    });
    await before;
    try {
      return await body();
    } finally {
      open();
    }
  }
}

describe("what nobody controls is waited for:", () => {
  test("a timer", async () => {
    const { trace } = await play(
      server(),
      {
        actors: {
          a: async ({ pool }) => {
            await pool.query("select 1");
            await sleep(30);
            await pool.query("select 2");
          },
          b: ({ pool }) => pool.query("select 3"),
        },
        more: { clock: "real" },
      },
      ["a", "a", "b"],
    );
    expect(story(trace)).toEqual(["a: select 1", "a: select 2", "b: select 3"]);
  });

  test("a socket to another server", async () => {
    const http = createServer((_request, response) => void setTimeout(() => response.end("hello"), 20));
    await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => http.closeAllConnections());
    onTestFinished(() => void http.close());
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
    const { trace } = await play(
      server(),
      {
        actors: {
          a: async ({ pool }) => {
            const text = await (await fetch(url)).text();
            return (await pool.query("select $1 as text", [text])).rows;
          },
          b: ({ pool }) => pool.query("select 3"),
        },
      },
      ["a", "b"],
    );
    expect(returned(trace, "a")).toEqual([{ text: "hello" }]);
    expect(trace.steps.map(({ actor }) => actor)).toEqual(["a", "b"]);
  });

  test("another actor, who holds a mutex in the process: the schedule goes round it", async () => {
    const work =
      (name: string): Act =>
      async ({ pool, world }) => {
        await yieldPoint("before");
        await (world as Mutex).run(async () => {
          await pool.query(`select '${name} in'`);
          await pool.query(`select '${name} out'`);
        });
      };
    const staged = await stage(server(), { actors: { a: work("a"), b: work("b") }, world: () => new Mutex() }, 2);
    const orders = [
      ["a", "b", "a", "b", "b", "a"],
      ["b", "a", "a", "a", "b", "b"],
    ];
    const runs = await Promise.all([...orders, ...orders].map((order) => staged.run(order)));
    for (const [i, { trace }] of runs.entries()) {
      const [first, second] = i % 2 === 0 ? ["a", "b"] : ["b", "a"];
      expect(trace.steps.slice(2).map(({ text }) => text)).toEqual(
        [`${first} in`, `${first} out`, `${second} in`, `${second} out`].map((text) => `select '${text}'`),
      );
    }
  });
});

describe("and not for ever: the error names actor, operation, what it did last, and what it does", () => {
  test("a timer", async () => {
    let timer = Promise.resolve();
    const { run } = await stage(server(), {
      actors: {
        a: async ({ pool }) => {
          await pool.query("select 'last thing'");
          await (timer = sleep(700));
        },
        b: ({ pool }) => pool.query("select 1"),
      },
      more: { clock: "real" },
    });
    await expect(run([], { limits })).rejects.toThrow(
      `"a" did something that raceproof does not control for more than 300 ms (Timeout), in operation "a 1", after: select 'last thing'`,
    );
    // It goes on, and would be taken for something that the next test does.
    await timer;
  });

  test("a promise that nothing resolves", async () => {
    const { run } = await stage(server(), {
      actors: { a: () => new Promise(() => undefined), b: ({ pool }) => pool.query("select 1") },
    });
    await expect(run([], { limits })).rejects.toThrow(
      `"a" did something that raceproof does not control for more than 300 ms (a promise that nothing resolves), in operation "a 1", before its first statement`,
    );
  });

  test("a statement that does not answer", async () => {
    const { run } = await stage(server(), { actors: { a: ({ pool }) => pool.query("select pg_sleep(100)") } });
    await expect(run([], { limits })).rejects.toThrow(
      'a statement of "a" has not answered for 500 ms, and no lock of ours holds it up: select pg_sleep(100)',
    );
  });
});

describe("a lane stays usable after an execution that was abandoned", () => {
  const good: Act = async ({ pool }) => (await pool.query("update t set n = n + 1 returning n")).rows;

  /** Code that holds all that one can hold when it gets stuck. */
  const bad: Act = async ({ pool }) => {
    const [one, two] = [await pool.connect(), await pool.connect()];
    await one.query("begin; update t set n = 9");
    void two.query("begin; update t set n = 8").catch(() => undefined);
    await yieldPoint("now");
    const own = new pg.Client();
    await own.connect();
    await own.query("select pg_advisory_lock(7)");
    await new Promise(() => undefined);
  };

  test("whatever it held, and without leaking a connection", async () => {
    const staged = await stage(server(), {
      schema,
      rows,
      actors: {
        a: (context) => ((context.world as { bad: boolean }).bad ? bad(context) : good(context)),
        b: ({ pool }) => pool.query("select pg_advisory_lock(7), pg_advisory_unlock(7)"),
      },
      world: () => ({ bad: next }),
    });
    let next = true;
    for (let i = 0; i < 3; i++) {
      next = true;
      const [failed] = await Promise.allSettled([staged.run(["a", "a#2", "a", "a", "b"], { limits })]);
      const how = failed.status === "rejected" ? String(failed.reason) : JSON.stringify(failed.value.trace.operations);
      expect(how).toMatch(/does not control|"Stuck"/);
      next = false;
      expect(returned((await staged.run()).trace, "a")).toEqual([{ n: 1 }]);
    }
    expect(await backends(server())).toBeLessThanOrEqual(4);
  });

  test("whose code cleans up, or tries again for ever", async () => {
    let cleaned = 0;
    let attempts = 0;
    const staged = await stage(server(), {
      schema,
      rows,
      actors: {
        a: async ({ pool }) => {
          const client = await pool.connect();
          try {
            await client.query("select pg_sleep(100)");
          } finally {
            await client.query("rollback").catch(() => undefined);
            cleaned++;
            client.release();
          }
        },
        b: async ({ pool }) => {
          for (;;) {
            attempts++;
            try {
              return await pool.query("select 1");
            } catch {
              // Again!
            }
          }
        },
      },
    });
    await expect(staged.run(["a"], { limits })).rejects.toThrow(/has not answered/);
    await sleep(20);
    expect(cleaned).toBe(1);
    expect(attempts).toBeGreaterThan(1);
    expect(attempts).toBeLessThan(20);
  });

  test("by a scheduler that gave up", async () => {
    const staged = await stage(server(), { schema, rows, actors: { a: good, b: good } });
    await expect(staged.run(follow([{ step: 1, to: "nobody" }]))).rejects.toThrow(
      'the schedule switches to "nobody", which has no pending step; pending: b',
    );
    expect((await staged.run()).trace.steps).toHaveLength(2);
  });

  test("because its connection was lost", async () => {
    const staged = await stage(server(), {
      actors: {
        a: ({ pool, world }) =>
          (world as { lost: boolean }).lost
            ? pool.query("select pg_terminate_backend(pg_backend_pid())")
            : pool.query("select 1"),
      },
      world: () => ({ lost }),
    });
    let lost = true;
    await expect(staged.run()).rejects.toThrow(/^the connection of "a" was lost \(.*\) during: select pg_terminate/);
    lost = false;
    expect((await staged.run()).trace.steps).toHaveLength(1);
  });
});

describe("promises that nobody awaits", () => {
  test("are steps of the operation that forgot them, also when the next one is under way", async () => {
    const forgetful: Act = ({ pool }) => {
      void (async () => {
        await pool.query("select 'forgotten 1'");
        await pool.query("select 'forgotten 2'");
      })();
    };
    const { trace } = await play(server(), {
      actors: {
        a: [forgetful, ({ pool }) => pool.query("select 'second'")],
        b: ({ pool }) => pool.query("select 'b'"),
      },
    });
    expect(trace.steps.map(({ session, text, operation }) => `${session} ${operation}: ${text}`)).toEqual([
      "a 0: select 'forgotten 1'",
      "a 0: select 'forgotten 2'",
      "a#2 1: select 'second'",
      "b 0: select 'b'",
    ]);
    expect(trace.operations.map(({ operation }) => operation)).toEqual(["a 1", "a 2", "b 1"]);
  });

  test("and go on once the execution is over get an error, and touch nothing", async () => {
    const errors: unknown[] = [];
    const staged = await stage(server(), {
      schema,
      rows,
      actors: {
        a: async ({ pool }) => {
          await pool.query("select 1");
          setTimeout(() => {
            void pool.query("update t set n = 99").catch((error: Error) => errors.push(error.message));
          }, 10);
        },
      },
      state: { t: "select n from t" },
      more: { clock: "real" },
    });
    await staged.run();
    await sleep(30);
    expect(errors).toEqual(['"a" went on after its execution was over']);
    expect((await staged.run()).trace.state["t"]).toEqual([{ n: 0 }]);
    await sleep(30);
  });

  /** While vitest does not listen: for it, too, a promise that nobody awaits is an error. */
  async function quietly<T>(body: () => Promise<T>): Promise<T> {
    const others = process.listeners("unhandledRejection");
    const ours = others.filter((listener) => String(listener).includes("crashed"));
    process.removeAllListeners("unhandledRejection");
    for (const listener of ours) process.on("unhandledRejection", listener);
    try {
      return await body();
    } finally {
      process.removeAllListeners("unhandledRejection");
      for (const listener of others) process.on("unhandledRejection", listener);
    }
  }

  test("and reject have crashed their actor: a violation, whoever threw", async () => {
    const { model, run } = await stage(server(), {
      schema,
      rows,
      actors: {
        a: [
          async ({ pool }) => {
            void pool.query("insert into t values (1)");
            await yieldPoint("later");
            return "fine";
          },
          ({ pool }) => pool.query("select 'under way'"),
          ({ pool }) => pool.query("select 'never'"),
        ],
        b: ({ pool }) => pool.query("select 'b'"),
      },
    });
    const executed = await quietly(() => run(["a", "b"]));
    expect(results(executed.trace, "a")).toEqual([
      { threw: { name: "uncaught error", message: expect.stringMatching(/^duplicate key/), code: null } },
      { returned: null },
    ]);
    expect(executed.trace.steps.map(({ text }) => text)).not.toContain("select 'never'");
    expect(judge(model, programOf(model), executed)).toMatchObject([{ way: "a 1 throws uncaught error" }]);
  });

  test("a callback that throws has crashed its actor", async () => {
    const { trace } = await play(server(), {
      actors: {
        a: ({ pool }) =>
          new Promise(() => {
            pool.query("select 1", () => {
              throw new TypeError("in a callback");
            });
          }),
        b: ({ pool }) => pool.query("select 'b'"),
      },
    });
    expect(results(trace, "a")).toEqual([
      { threw: { name: "uncaught TypeError", message: "in a callback", code: null } },
    ]);
    expect(trace.steps).toHaveLength(2);
  });
});

test("sockets that an actor opens are named, with where they lead", async () => {
  const other = net.createServer((socket) => socket.end("hello"));
  await new Promise<void>((resolve) => {
    other.listen(0, "127.0.0.1", () => resolve());
  });
  const { port } = other.address() as net.AddressInfo;
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      net
        .connect(port, "127.0.0.1", () => resolve())
        .on("error", reject)
        .resume();
    });
  const staged = await stage(server(), { actors: { a: ask, b: ({ pool }) => pool.query("select 1") } });
  const { uncontrolled } = await staged.run();
  expect(uncontrolled).toEqual([`a socket to 127.0.0.1:${port}`]);
  other.close();
});
