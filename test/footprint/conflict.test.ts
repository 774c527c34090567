import { beforeAll, describe, expect, test } from "vitest";

import type { Catalog } from "../../src/footprint/catalog.js";
import { summaryOf } from "../../src/footprint/words.js";
import { serverForFile } from "../support.js";
import { catalogOf, Players, stepOf, whyOf, type Sql } from "./support.js";

const server = serverForFile();

let catalog: Catalog;

beforeAll(async () => {
  catalog = await catalogOf(
    server(),
    `
    create extension citext;
    create table account (id int primary key, n int not null default 0, owner text, email citext unique);
    create table item (id int primary key, account_id int references account, note text, done boolean);
    create unique index item_note on item (lower(note));
    create table task (id serial primary key, run int, slot text, unique (run, slot));
    create table part (id int primary key, task_id int references task on delete cascade on update cascade);
    create table note (id int primary key, task_id int references task on delete set null);
    create table late (id int primary key, account_id int references account deferrable initially deferred);
    create table price (id int primary key, amount numeric(8, 2), doubled numeric generated always as (amount * 2) stored);
    create table tax (id int primary key, net int, gross int generated always as (net * 2) stored unique);
    create table event (id int primary key, day int) partition by range (id);
    create table event_1 partition of event for values from (0) to (100);
    create table plain (v int);
    create table secret (id int primary key);
    alter table secret enable row level security;
    create table ruled (id int primary key);
    create rule also as on insert to ruled do also insert into plain values (1);
    create view rich as select id, n from account where n > 100;
    create view richest as select max(n) from rich;
    create function total() returns bigint language sql stable as 'select sum(n) from account';
    create function spend(who int) returns int language plpgsql as $$
      declare left_over int;
      begin
        update account set n = n - 1 where id = who returning n into left_over;
        return left_over;
      end $$;
    create function anything(what text) returns void language plpgsql as $$ begin execute what; end $$;
    create function twice(x int) returns int language sql immutable return x * 2;
    create function count_up() returns trigger language plpgsql as $$
      begin
        update account set n = n + 1 where id = new.run;
        return new;
      end $$;
    create table counted (id int primary key, run int);
    create trigger counting after insert on counted for each row execute function count_up();
  `,
  );
});

/** Whether two steps conflict when neither session has done anything before. */
const plainly = (a: Sql, b: Sql) => new Players(catalog).why(a, b);

const rowLock: unknown = expect.objectContaining({ kind: "row", table: "public.account" });

type Case = readonly [what: string, a: Sql, b: Sql];

function conflicting(cases: readonly Case[], reason = /./): void {
  test.each(cases)("%s: conflict", (_, a, b) => expect(plainly(a, b)).toMatch(reason));
}

function commuting(cases: readonly Case[]): void {
  test.each(cases)("%s: commute", (_, a, b) => expect(plainly(a, b)).toBeUndefined());
}

describe("rows and columns", () => {
  conflicting([
    ["a read and a write of a row", "select n from account where id = 1", "update account set n = 2 where id = 1"],
    ["a read of all", "select count(*) from account", "insert into account (id) values (4)"],
    [
      "rows that may come to match",
      "select id from account where owner = 'x'",
      "update account set owner = 'x' where id = 1",
    ],
    [
      "rows by different columns",
      "update account set n = 2 where owner = 'x'",
      "update account set n = 3 where id = 1",
    ],
    ["whole rows", "select * from account where id = 1", "update account set owner = 'y' where id = 1"],
    ["whole rows as values", "select row_to_json(account) from account", "update account set owner = 'y' where id = 1"],
    ["versions of rows", "select xmin from account", "update account set owner = 'y' where id = 1"],
    ["who has locked a row", "select xmax from account where id = 1", "select from account where id = 1 for key share"],
    [
      "columns under other names",
      "select a.x from account a (x, y) where a.x = 1",
      "update account set n = 1 where id = 2",
    ],
    ["generated columns", "select doubled from price where id = 1", "update price set amount = 2 where id = 1"],
    ["keys that are generated", "update tax set net = 2 where id = 1", "update tax set net = 2 where id = 2"],
    ["rows by what is generated", "update tax set net = 2 where gross = 2", "select id from tax where gross = 4"],
    ["a partition and the whole", "select day from event where id = 1", "update event_1 set day = 2 where id = 1"],
    ["OR", "select n from account where id = 1 or owner = 'x'", "update account set n = 2 where id = 2"],
    [
      "an outer join's condition",
      "select a.id from account a left join item i on a.id = 1",
      "insert into account (id) values (2)",
    ],
    ["a subquery", "select 1 where exists (select from item where done)", "update item set done = true where id = 1"],
    [
      "a target's subquery",
      "update plain set v = (select n from account where id = 1)",
      "update account set n = 1 where id = 1",
    ],
  ]);
  commuting([
    ["reads", "select * from account", "select * from account"],
    [
      "rows with different keys",
      "update account set n = 2 where id = 1",
      ["update account set n = 2 where id = $1", 2],
    ],
    [
      "IN lists",
      "update account set n = 2 where id in (1, 2)",
      ["update account set n = 2 where id = any($1)", [3, 4]],
    ],
    ["columns that are not read", "select n from account where id = 1", "update account set owner = 'y' where id = 1"],
    ["a count and an update", "select count(*) from account", "update account set owner = 'y' where id = 1"],
    [
      "an inner join's condition",
      "select i.note from account a join item i on a.id = 1 and i.id = 1",
      "update item set note = 'z' where id = 2",
    ],
    [
      "whether a row was there before",
      "insert into account (id) values (1) on conflict (id) do update set n = 1 returning xmax = 0",
      "select from account where id = 2 for key share",
    ],
    ["inserts without keys", "insert into plain values (1)", "insert into plain values (1)"],
    ["different tables", "update account set n = 2", "update price set amount = 2"],
    ["an alias", "select a.n from account as a where a.id = 1", "update account as b set n = 3 where b.id = 2"],
  ]);
});

describe("values that may be equal", () => {
  const lock = (table: string, condition: string) => `select 1 from ${table} where ${condition} for update`;
  test.each([
    ["account", "id = 1", "id = '1'"],
    ["account", "id = 1", "id = 1.0"],
    ["account", "id = 1", "id = '+01'::int"],
    ["account", "id = 1", "id = (0 + 1)"],
    ["account", "id = 1", "id = null"],
    ["account", "email = 'A'", "email = 'a'"],
    ["account", "owner = 'a'", "owner = 'a  '"],
    ["account", "owner = 'a'", `owner = 'b' collate "C"`],
    ["price", "amount = 1", "amount = 1.00"],
    ["price", "amount = 1.001", "amount = 1.002"],
    ["item", "done = 't'", "done = true"],
  ])("%s: %s and %s", (table, one, other) =>
    expect(plainly(lock(table, one), lock(table, other))).toMatch(/both lock/),
  );

  test("parameters of every kind", () => {
    const update = (id: unknown): Sql => ["update account set n = 1 where id = $1", id];
    for (const id of [1, "1", 1n, " 1 ", null, undefined, [1], { id: 1 }, new Date(0), Buffer.from("1")])
      expect(plainly(update(1), update(id))).toBeDefined();
    for (const id of [2, "2", 2n, "-1"]) expect(plainly(update(1), update(id))).toBeUndefined();
  });
});

describe("transactions", () => {
  const write = "update account set n = 2 where id = 1";
  const look = "select n from account where id = 1";

  test("READ COMMITTED reads meet the COMMIT, not the write", () => {
    expect(new Players(catalog).did("b", "begin").why(look, write)).toBeUndefined();
    expect(new Players(catalog).did("b", "begin", write).why(look, "commit")).toMatch(
      /b publishes account.n \(id = 1\), which a reads/,
    );
    expect(new Players(catalog).did("b", "begin", write).why(look, "rollback")).toBeUndefined();
  });

  test("writers of a row meet at once, and with what gives the row up", () => {
    const both = new Players(catalog).did("a", "begin").did("b", "begin");
    expect(both.why(write, write)).toMatch(/both lock rows of account \(id = 1\) FOR NO KEY UPDATE/);
    for (const end of ["commit", "rollback", "end", "abort"])
      expect(new Players(catalog).did("a", "begin", write).why(end, write)).toMatch(/a publishes|a gives up/);
  });

  test("BEGIN touches nothing, a COMMIT of nothing neither", () => {
    expect(plainly("begin", write)).toBeUndefined();
    expect(new Players(catalog).did("a", "begin", look).why("commit", write)).toBeUndefined();
  });

  test("an aborted transaction touches nothing until it ends", () => {
    const players = new Players(catalog).did("a", "begin", write);
    expect(players.failed("a", "select 1/0").givesUp).toContainEqual(rowLock);
    expect(summaryOf(players.of("a", write))).toBe("touches nothing that another session could notice");
    expect(players.why("rollback", write)).toBeUndefined();
    expect(players.of("a", "commit").publishes).toEqual([]);
  });

  test("REPEATABLE READ takes its snapshot once", () => {
    const begin = "begin isolation level repeatable read";
    const players = () => new Players(catalog).did("a", begin);
    expect(players().why("select 1", write)).toMatch(/b publishes, and a takes its snapshot/);
    expect(players().did("b", "begin", write).why("select 1", "commit")).toMatch(/takes its snapshot/);
    expect(players().did("b", "begin").why("select 1", write)).toBeUndefined();
    expect(players().why("set local enable_seqscan = off", write)).toBeUndefined();
    expect(players().did("a", "select 1").why(look, write)).toBeUndefined();
    expect(players().did("a", "select 1").why(write, write)).toMatch(/both lock/);
    expect(
      players().did("a", "select 1").why("insert into item values (1, 1)", "delete from account where id = 1"),
    ).toMatch(/both lock/);
  });

  test("a failed statement may have taken the snapshot, or not", () => {
    const players = new Players(catalog).did("a", "begin isolation level repeatable read", "savepoint p");
    players.failed("a", "selec");
    expect(players.did("a", "rollback to p").why("select 1", write)).toMatch(/takes its snapshot/);
    expect(players.did("a", "select 1").why("select 1", write)).toBeUndefined();
  });

  test("SERIALIZABLE takes note of reads, writes and ends", () => {
    const players = new Players(catalog, "serializable").did("a", "begin").did("b", "begin");
    expect(players.why(look, write)).toMatch(/serializable/);
    expect(players.why("begin", write)).toBeUndefined();
    expect(players.did("a", look).did("b", write).why("commit", "commit")).toMatch(/serializable/);
  });

  test.each([
    ["set transaction isolation level repeatable read", true],
    ["set transaction isolation level read committed", false],
    ["set local transaction_isolation = 'repeatable read'", true],
  ])("%s", (set, takes) => {
    expect(new Players(catalog).did("a", "begin", set).of("a", "select 1").snapshot).toBe(takes);
  });

  test("the session's isolation may be set to something else", () => {
    const players = new Players(catalog).did("a", "set default_transaction_isolation = 'repeatable read'", "begin");
    expect(players.of("a", "select 1").snapshot).toBe(true);
    expect(players.did("a", "select 1").why(look, write)).toBeDefined();
  });

  test("several statements in one text are taken together", () => {
    expect(plainly("select 1; update account set n = 1 where id = 1", look)).toMatch(/publishes/);
    expect(new Players(catalog).did("b", "begin", write).why(look, "commit; begin")).toMatch(/publishes/);
  });
});

describe("row locks", () => {
  const strengths = ["update", "no key update", "share", "key share"] as const;
  // "Conflicting Row-Level Locks" of Postgres' manual.
  const excluded: Record<string, readonly string[]> = {
    "key share": ["update"],
    share: ["no key update", "update"],
    "no key update": ["share", "no key update", "update"],
    update: strengths,
  };
  const sql = (strength: string) => `select 1 from account where id = 1 for ${strength}`;
  for (const a of strengths)
    for (const b of strengths)
      test(`FOR ${a.toUpperCase()} and FOR ${b.toUpperCase()}`, () => {
        expect(plainly(sql(a), sql(b)) !== undefined).toBe(excluded[a]!.includes(b));
      });

  test("through a subquery, a view, and only OF some", () => {
    const held = sql("update");
    expect(plainly("select 1 from (select * from account where id = 1) s for share", held)).toBeDefined();
    expect(plainly("select 1 from rich for share", held)).toBeDefined();
    expect(plainly("select 1 from account a, item i where i.id = 1 for share of i", held)).toBeUndefined();
  });

  test.each(["for update nowait", "for update skip locked"])("%s looks whether locks are there", (how) => {
    const ask = `select id from account where id = 1 ${how}`;
    const players = new Players(catalog).did("b", "begin", sql("update"));
    expect(players.why(ask, "rollback")).toMatch(/gives up/);
    expect(players.why(ask, "select 1 / (n - 1) from item, plain p (n)")).toMatch(/an error would make b give up/);
    expect(players.why(sql("update"), "select 1 from item")).toBeUndefined();
    expect(plainly(ask, sql("share"))).toMatch(/both lock/);
  });

  test("a lock that is had already is not asked for again", () => {
    const players = () => new Players(catalog).did("a", "begin").answered("a", sql("update"), 1);
    expect(players().why("update account set n = 1 where id = 1", sql("update"))).toBeUndefined();
    expect(players().why("update account set n = 1 where id = 2", sql("update"))).toBeUndefined();
    // But it was a lock only: until it is a write, who inserts the key fails at once.
    expect(players().why("update account set n = 1 where id = 1", "insert into account (id) values (1)")).toMatch(
      /both lock/,
    );
    expect(
      new Players(catalog)
        .did("a", "begin")
        .answered("a", sql("update"), 0)
        .why("update account set n = 1 where id = 1", sql("update")),
    ).toMatch(/both lock/);
    expect(
      new Players(catalog)
        .did("a", "begin")
        .answered("a", sql("share"), 1)
        .why("update account set n = 1 where id = 1", sql("update")),
    ).toMatch(/both lock/);
  });

  test("a write that hit nothing has locked and written nothing", () => {
    const miss = "update account set n = 1 where id = 1";
    expect(new Players(catalog).did("a", "begin").answered("a", miss, 0).of("a", "commit").publishes).toEqual([]);
    expect(new Players(catalog).did("a", "begin").answered("a", miss, 1).of("a", "commit").publishes).toHaveLength(1);
  });

  test("the last to ask makes a deadlock, also through others", () => {
    const update = (id: number) => `update account set n = 1 where id = ${id}`;
    const crossed = new Players(catalog).did("a", "begin", update(1)).did("b", "begin", update(2));
    expect(crossed.why(update(2), update(1))).toMatch(/deadlock/);
    expect(crossed.why(update(3), update(1))).toBeUndefined();
    const ring = () =>
      new Players(catalog).did("a", "begin", update(1)).did("b", "begin", update(2)).did("c", "begin", update(3));
    expect(ring().why(update(2), update(3))).toBeUndefined();
    expect(ring().waits("c", update(1)).why(update(2), update(3))).toMatch(/deadlock/);
  });

  test("who is let go acts as part of what lets it go", () => {
    const players = new Players(catalog).did("a", "begin", "update account set n = 1 where id = 1");
    expect(players.why("commit", "update account set n = 1 where id = 2")).toBeUndefined();
    players.waits("c", "update account set n = 1 where id in (1, 2)");
    expect(players.why("commit", "update account set n = 1 where id = 2")).toMatch(
      /a may let c go on, and then: both lock/,
    );
    expect(players.why("commit", "update account set n = 1 where id = 3")).toBeUndefined();
  });
});

describe("tables", () => {
  conflicting([
    ["LOCK TABLE and a write", "lock table account in share mode", "update account set n = 2 where id = 1"],
    ["LOCK TABLE and a read", "lock table account", "select 1 from account where id = 1"],
    ["TRUNCATE and a read", "truncate plain", "select * from plain"],
    ["COPY in and a read", "copy plain from stdin", "select * from plain"],
    ["COPY out and a write", "copy account to stdout", "update account set n = 2"],
  ]);
  commuting([
    ["LOCK TABLE and a read", "lock table account in exclusive mode", "select 1 from account where id = 1"],
    ["LOCK TABLE and a write", "lock table account in row share mode", "update account set n = 2 where id = 1"],
  ]);
});

describe("unique keys", () => {
  conflicting([
    ["inserts of one key", "insert into account (id) values (1)", "insert into account (id) values (1)"],
    [
      "one of several keys",
      "insert into account (id, email) values (1, 'a')",
      "insert into account (id, email) values (2, 'A')",
    ],
    ["an expression", "insert into item (id, note) values (1, 'a')", "insert into item (id, note) values (2, 'b')"],
    [
      "two columns",
      "insert into task (run, slot) values (1, 'a')",
      ["insert into task (run, slot) values ($1, $2)", "1", "a"],
    ],
    ["an insert and a delete", "insert into account (id, email) values (1, null)", "delete from account where id = 1"],
    [
      "an insert and an update of the same row",
      "insert into task (id, run) values (1, 1)",
      "update task set slot = 'z' where id = 1",
    ],
    ["an update to a key", "insert into account (id) values (1)", "update account set id = 1 where id = 2"],
    ["a number that a sequence may give", "insert into task (id) values (7)", "insert into task (run) values (1)"],
    [
      "ON CONFLICT DO NOTHING",
      "insert into task (run, slot) values (1, 'a') on conflict do nothing",
      "insert into task (run, slot) values (1, 'a')",
    ],
    [
      "ON CONFLICT DO UPDATE and an update",
      "insert into task (run, slot) values (1, 'a') on conflict (run, slot) do update set slot = 'b'",
      "update task set slot = 'c' where run = 1",
    ],
    [
      "ON CONFLICT DO UPDATE and a delete",
      "insert into task (id) values (1) on conflict (id) do update set slot = 'b'",
      "delete from task where id = 1",
    ],
  ]);
  commuting([
    ["inserts of different keys", "insert into price (id) values (1)", ["insert into price (id) values ($1)", 2]],
    [
      "one of two columns",
      "insert into task (run, slot) values (1, 'a')",
      "insert into task (run, slot) values (1, 'b')",
    ],
    [
      "an insert and an update of another",
      "insert into price (id) values (1)",
      "update price set amount = 2 where id = 2",
    ],
    [
      "ON CONFLICT of different keys",
      "insert into price (id) values (1) on conflict (id) do update set amount = 1",
      "insert into price (id) values (2) on conflict (id) do update set amount = 1",
    ],
  ]);
});

test("an insert does not wait for a row with its key that is locked only", () => {
  const players = new Players(catalog).did("a", "begin").did("b", "begin");
  expect(
    players.why("insert into price (id) values (1)", "select 1 from price where id = 1 for update"),
  ).toBeUndefined();
  expect(players.why("insert into price (id) values (1)", "delete from price where id = 1")).toMatch(/both lock/);
});

describe("foreign keys", () => {
  conflicting([
    [
      "a child and its parent's end",
      "insert into item (id, account_id) values (1, 1)",
      "delete from account where id = 1",
    ],
    [
      "a child and its parent's key",
      "insert into item (id, account_id) values (1, 1)",
      "update account set id = 9 where id = 1",
    ],
    [
      "a child and its parent's coming",
      "insert into item (id, account_id) values (1, 1)",
      "insert into account (id) values (1)",
    ],
    ["a child that moves", "update item set account_id = 1 where id = 1", "delete from account where id = 1"],
    ["a child that moves away", "delete from account where id = 1", "update item set account_id = 2 where id = 1"],
    ["CASCADE", "delete from task where id = 1", "select * from part where task_id = 1"],
    ["CASCADE of a key", "update task set id = 2 where id = 1", "select id from part where task_id = 1"],
    ["SET NULL", "delete from task where id = 1", "select task_id from note where id = 7"],
  ]);
  commuting([
    [
      "a child and its parent's other columns",
      "insert into item (id, account_id, note) values (1, 1, 'a')",
      "update account set n = 2 where id = 1",
    ],
    [
      "a child and another parent",
      "insert into item (id, account_id) values (1, 1)",
      "delete from account where id = 2",
    ],
    [
      "two children of one parent",
      "insert into part (id, task_id) values (1, 1)",
      "insert into part (id, task_id) values (2, 1)",
    ],
    ["CASCADE elsewhere", "delete from task where id = 1", "select * from part where task_id = 2"],
  ]);

  test("a deferred check is made at COMMIT", () => {
    const players = new Players(catalog).did("a", "begin", "insert into late values (1, 5)");
    expect(players.why("commit", "insert into account (id) values (5)")).toBeDefined();
    expect(players.why("set constraints all immediate", "insert into account (id) values (5)")).toMatch(/publishes/);
    expect(players.why("commit", "insert into account (id) values (6)")).toBeUndefined();
  });
});

describe("what a text does not say", () => {
  conflicting([
    ["a view", "select * from rich", "update account set n = 2 where id = 1"],
    ["a view of a view", "select * from richest", "update account set n = 2 where id = 1"],
    ["a function that reads", "select total()", "update account set n = 2 where id = 1"],
    ["a function that writes", "select spend(1)", "select n from account where id = 2"],
    ["a function in a condition", "select 1 from plain where v = total()", "update account set n = 2"],
    ["a trigger that writes elsewhere", "insert into counted values (1, 1)", "select n from account where id = 3"],
  ]);
  conflicting(
    [
      ["a function that runs anything", "select anything('select 1')", "select 1"],
      ["a view that is written", "update rich set n = 1", "select 1"],
      ["row security", "select * from secret", "select 1"],
      ["a rule", "insert into ruled values (1)", "select 1"],
      ["a text that is no SQL", "selec 1", "select 1"],
      ["a table that is not known", "select * from nowhere", "select 1"],
      ["a function that is not known", "select nowhat()", "select 1"],
      ["what others do", "select * from pg_stat_activity", "select 1"],
      ["DO", "do $$ begin end $$", "select 1"],
      ["setval", "select setval('task_id_seq', 1)", "select 1"],
      ["two-phase commit", "prepare transaction 'x'", "select 1"],
      ["EXECUTE of what is not known", "execute nothing", "select 1"],
      ["FETCH of what is not known", "fetch nothing", "select 1"],
      ["CURRENT OF", "update account set n = 1 where current of c", "select 1"],
      [
        "a function that sets isolation",
        "select set_config('default_transaction_isolation', 'serializable', false)",
        "select 1",
      ],
    ],
    /may do anything/,
  );
  conflicting(
    [
      "create table x ()",
      "alter table account add x int",
      "create index on account (n)",
      "drop view rich",
      "create function f() returns int language sql return 1",
    ].map((ddl): Case => [ddl, ddl, "begin"]),
    /may do anything/,
  );
  commuting([
    ["a view and other columns", "select * from rich", "update account set owner = 'x' where id = 1"],
    ["a function of its arguments", "select twice(1)", "update account set n = 2"],
    [
      "the clock, chance, sleep",
      "select now(), random(), pg_sleep(0), gen_random_uuid(), clock_timestamp()",
      "update account set n = 2",
    ],
    ["sequences", "select nextval('task_id_seq')", "insert into task (run) values (1)"],
    ["settings", "set work_mem = '1MB'", "update account set n = 2"],
    ["a function that sets", "select set_config('app.user', '1', true)", "update account set n = 2"],
  ]);

  test("after DDL nothing is as it was read", () => {
    const players = new Players(catalog).did("b", "create unique index on account (n)");
    expect(players.why("select 1", "select 1")).toMatch(/tables may no longer be what they were/);
  });

  test("an unknown write makes its COMMIT unknown", () => {
    const players = new Players(catalog).did("a", "begin", "update rich set n = 1");
    expect(players.why("commit", "select 1")).toMatch(/may do anything/);
    expect(players.did("a", "commit").why("select 1", "select 1")).toBeUndefined();
  });

  test("an operator of the user's own makes every access of tables unknown", async () => {
    const surprising = await catalogOf(
      server(),
      `create table t (id int primary key);
       create function odd(int, text) returns boolean language sql as 'select true';
       create operator === (leftarg = int, rightarg = text, function = odd)`,
    );
    expect(new Players(surprising).why("select 1 from t", "select 1")).toMatch(/operator .* runs odd/);
  });
});

describe("statements in statements", () => {
  conflicting([
    [
      "WITH that deletes",
      "with w as (delete from item where id = 1 returning id) select * from w",
      "select note from item where id = 1",
    ],
    [
      "WITH that inserts",
      "with w as (insert into price (id) values (1) returning id) update plain set v = 1 from w",
      "insert into price (id) values (1)",
    ],
    [
      "MERGE that updates",
      "merge into price p using plain on p.id = v when matched then update set amount = 1",
      "update price set amount = 2 where id = 1",
    ],
    [
      "MERGE that inserts",
      "merge into price p using (select 1) s on p.id = 1 when not matched then insert (id) values (1)",
      "insert into price (id) values (1)",
    ],
    [
      "MERGE that looks for others",
      "merge into price p using (select 1 as i) s on p.id = 1 when not matched by source then delete",
      "update price set amount = 2 where id = 2",
    ],
    ["INSERT from SELECT", "insert into plain select n from account", "update account set n = 2"],
    ["EXPLAIN", "explain analyze update account set n = 1", "select n from account"],
    ["UNION", "select id from item union select n from account", "update account set n = 2"],
    [
      "a name that hides a table, inside",
      "with account as (select * from account) select * from account",
      "update account set n = 1",
    ],
  ]);
  commuting([
    [
      "WITH and another row",
      "with w as (delete from item where id = 1 returning id) select * from w",
      "select note from item where id = 2",
    ],
    [
      "MERGE and another row",
      "merge into price p using (select 1 as i) s on p.id = 1 when matched then update set amount = 1",
      "update price set amount = 2 where id = 2",
    ],
    ["a name that hides a table", "with account as (select 1) select * from account", "update account set n = 1"],
  ]);
});

describe("advisory locks", () => {
  conflicting([
    ["one key", "select pg_advisory_lock(1)", ["select pg_advisory_xact_lock($1)", "1"]],
    ["two numbers", "select pg_advisory_lock(1, 2)", "select pg_advisory_lock(1, 2)"],
    ["shared and not", "select pg_advisory_lock_shared(1)", "select pg_advisory_lock(1)"],
    ["try", "select pg_try_advisory_lock(1)", "select pg_try_advisory_xact_lock(1)"],
    ["a key that is not known", "select pg_advisory_lock(hashtext('a'))", "select pg_advisory_lock(1)"],
    ["given up", "select pg_advisory_unlock(1)", "select pg_advisory_lock(1)"],
    ["all given up", "select pg_advisory_unlock_all()", "select pg_advisory_lock(1)"],
  ]);
  commuting([
    ["different keys", "select pg_advisory_lock(1)", "select pg_advisory_lock(2)"],
    ["shared", "select pg_advisory_lock_shared(1)", "select pg_advisory_xact_lock_shared(1)"],
    ["one number and two", "select pg_advisory_lock(1)", "select pg_advisory_lock(0, 1)"],
  ]);

  test("those of a transaction end with it, those of a session do not", () => {
    const after = (lock: string) =>
      new Players(catalog).did("a", "begin", `select ${lock}`).why("commit", "select pg_try_advisory_lock(1)");
    expect(after("pg_advisory_xact_lock(1)")).toMatch(/gives up advisory lock 1/);
    expect(after("pg_advisory_lock(1)")).toBeUndefined();
  });
});

describe("LISTEN and NOTIFY", () => {
  test("who listens sees when it is told", () => {
    expect(plainly("listen c", "notify c")).toMatch(/notifies, and a listens/);
    expect(plainly("listen c", "select pg_notify('c', 'x')")).toMatch(/notifies, and a listens/);
    expect(plainly("notify c", "notify d")).toMatch(/both notify/);
    expect(new Players(catalog).did("a", "listen c").why("select 1", "notify c")).toMatch(/listens/);
    expect(plainly("listen c", "listen c")).toBeUndefined();
  });

  test("at COMMIT", () => {
    const players = new Players(catalog).did("b", "begin", "notify c").did("a", "listen c");
    expect(players.why("select 1", "notify c")).toBeUndefined();
    expect(players.why("select 1", "commit")).toMatch(/notifies/);
    expect(players.why("select 1", "rollback")).toBeUndefined();
  });
});

describe("what is the session's own", () => {
  test("temporary tables", () => {
    const players = new Players(catalog)
      .did("a", "create temp table own (v int)")
      .did("b", "create temp table own (v int)");
    expect(players.why("insert into own values (1)", "select * from own")).toBeUndefined();
    expect(players.why("drop table own", "create index on own (v)")).toBeUndefined();
    expect(players.why("create temp table more as select n from account", "update account set n = 2")).toMatch(
      /publishes/,
    );
  });

  test("prepared statements and cursors do what they stand for", () => {
    const players = new Players(catalog).did(
      "a",
      "prepare p as update account set n = 1 where id = $1",
      "begin",
      "declare c cursor for select n from account where id = 1",
    );
    expect(players.why("execute p(1)", "update account set n = 2 where id = 1")).toMatch(/both lock/);
    expect(players.why("execute p(1)", "update account set n = 2 where id = 2")).toBeUndefined();
    expect(players.why("fetch all from c", "update account set n = 2 where id = 1")).toBeDefined();
    expect(players.why("close c", "update account set n = 2 where id = 1")).toBeUndefined();
  });

  test("timeouts make waits matter", () => {
    const players = new Players(catalog).did("b", "begin", "update account set n = 2 where id = 1");
    expect(players.why("update account set n = 1 where id = 1", "select 1")).toBeUndefined();
    expect(
      players.did("a", "set lock_timeout = '10ms'").why("update account set n = 1 where id = 1", "select 1"),
    ).toMatch(/an error would/);
  });

  test("what changes how texts are read makes the session unknown", () => {
    const players = new Players(catalog).did("a", "set standard_conforming_strings = off");
    expect(players.why("select 1", "select 1")).toMatch(/may do anything/);
  });
});

describe("savepoints", () => {
  const lock = (id: number) => `update account set n = 1 where id = ${id}`;
  const players = () => new Players(catalog).did("a", "begin", lock(1), "savepoint p", lock(2));

  test("ROLLBACK TO gives up what came behind", () => {
    expect(players().why("rollback to p", lock(2))).toMatch(/gives up/);
    expect(players().why("rollback to p", lock(1))).toBeUndefined();
    expect(players().did("a", "rollback to p").why("commit", lock(1))).toMatch(/publishes|gives up/);
    expect(players().did("a", "rollback to p").why("commit", lock(2))).toBeUndefined();
  });

  test("RELEASE gives nothing up", () => {
    expect(players().why("release p", lock(2))).toBeUndefined();
    expect(players().did("a", "release p").why("commit", lock(2))).toBeDefined();
  });

  test("an error behind one leaves what came before locked", () => {
    const failed = players();
    failed.failed("a", "select 1/0");
    expect(failed.why("rollback", lock(1))).toMatch(/gives up/);
    expect(failed.did("a", "rollback to p").why("commit", lock(1))).toBeDefined();
  });
});

describe("yield points, crashes and faults", () => {
  const write = "update account set n = 2 where id = 1";
  const open = () => new Players(catalog).did("a", "begin", write);
  const crash = (players: Players) => players.footprints.of(stepOf("a", "crash", { kind: "crash", fault: "crash" }));

  test("yield points conflict with each other and with nothing else", () => {
    const players = new Players(catalog);
    const [one, other] = ["a", "b"].map((session) => players.of(session, "queue", { kind: "yield" }));
    expect(whyOf(one!, other!)).toMatch(/outside Postgres/);
    for (const sql of [write, "selec", "begin"]) expect(whyOf(one!, players.of("b", sql))).toBeUndefined();
  });

  test("a crash rolls all of its actor's sessions back", () => {
    const players = open().did("a#2", "begin", "update account set n = 2 where id = 5");
    expect(whyOf(crash(players), players.of("b", write))).toMatch(/gives up/);
    expect(whyOf(crash(players), players.of("b", "update account set n = 2 where id = 5"))).toMatch(/gives up/);
    expect(whyOf(crash(players), players.of("b", "select n from account"))).toBeUndefined();
    expect(whyOf(crash(players), players.of("b", "queue", { kind: "yield" }))).toMatch(/outside Postgres/);
    const step = stepOf("a", "crash", { kind: "crash", fault: "crash" });
    players.footprints.sent(step);
    players.footprints.taken(step, { transaction: "none", outcome: { kind: "passed" }, waited: false });
    expect(players.of("a#2", "commit").givesUp).toEqual([]);
  });

  test("a lost answer ends the session behind the statement", () => {
    const lost = open().of("a", "select 1", { fault: "lost answer" });
    expect(lost.givesUp).toContainEqual(rowLock);
    expect(lost.publishes).toEqual([]);
    expect(open().of("a", "commit", { fault: "lost answer" }).publishes).toHaveLength(1);
    expect(new Players(catalog).of("a", write, { fault: "lost answer" }).publishes).toHaveLength(1);
  });

  test.each(["serialization failure", "deadlock"] as const)(
    "a %s does nothing, and locks stay until ROLLBACK",
    (fault) => {
      const players = open();
      const step = stepOf("a", "update account set n = 2 where id = 7", { fault });
      const footprint = players.footprints.of(step);
      expect([footprint.wants, footprint.publishes]).toEqual([[], []]);
      players.footprints.sent(step);
      players.footprints.taken(step, { transaction: "failed", outcome: { kind: "error" }, waited: false });
      expect(players.why("rollback", write)).toMatch(/gives up/);
      expect(players.of("a", "commit").publishes).toEqual([]);
      expect(open().of("a", "commit", { fault }).publishes).toEqual([]);
    },
  );

  test("a step that was never sent is not taken", () => {
    const players = new Players(catalog);
    expect(() =>
      players.footprints.taken(stepOf("a", write), { transaction: "none", outcome: { kind: "rows" }, waited: false }),
    ).toThrow(/never sent/);
  });
});
