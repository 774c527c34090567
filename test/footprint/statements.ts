import { fc } from "../../src/index.js";
import type { Name, Pair, Scene } from "./real.js";
import type { Sql } from "./support.js";

// Mostly the same row: rows apart say little.
const one = fc.constantFrom(1, 1, 1, 1, 1, 1, 2, 2, 3);
const small = fc.constantFrom(0, 1, 2);
const text = fc.constantFrom("x", "y", "z");
const column = fc.constantFrom("n", "owner", "u");

/** Text with `#` for ids, `%` for small numbers, `@` for texts, `~` for columns of t. */
function filled(template: string): fc.Arbitrary<Sql> {
  const parts = template.split(/([#%@~])/);
  const choices = parts.map((part): fc.Arbitrary<string> => {
    if (part === "#") return one.map(String);
    if (part === "%") return small.map(String);
    if (part === "@") return text.map((each) => `'${each}'`);
    return part === "~" ? column : fc.constant(part);
  });
  return fc.tuple(...choices).map((each) => each.join(""));
}

const strength = fc.constantFrom("for update", "for no key update", "for share", "for key share");
const policy = fc.constantFrom("", "", "", " nowait", " skip locked");

const locking: fc.Arbitrary<Sql> = fc
  .tuple(fc.constantFrom("id = #", "owner = #", "id in (#, #)", "true"), strength, policy)
  .chain(([where, how, wait]) => filled(`select id, n from t where ${where} order by id ${how}${wait}`));

const reads = [
  "select ~ from t where id = #",
  "select count(*) from t where owner = #",
  "select count(*) from t",
  "select * from t where id = #",
  "select id from t where n > %",
  "select n from t where u = @",
  "select sum(n) from v",
  "select t_id from k where id = #",
  "select * from k where t_id = #",
  "select total()",
  "select n, note from t join k on k.t_id = t.id where t.id = #",
  "select n from t where id = # and exists (select from k where k.t_id = t.id)",
  "select n from t left join k on k.t_id = t.id and k.id = # where t.owner = #",
  "select count(*) from log",
  "with w as (select n from t where id = #) select * from w",
  "select n from t where id = # union all select id from k where t_id = #",
];

const writes = [
  "update t set n = n + 1 where id = #",
  "update t set n = % where id = #",
  "update t set n = n + 1 where id in (#, #)",
  "update t set owner = # where id = #",
  "update t set owner = # where owner = #",
  "update t set n = n + 1 where owner = #",
  "update t set n = n + 1 where n = %",
  "update t set id = # where id = #",
  "update t set u = @ where id = #",
  "update t set n = (select count(*) from k) where id = #",
  "update t set n = k.id from k where k.t_id = t.id and k.id = #",
  "update t set n = n + 1",
  "delete from t where id = #",
  "delete from t where owner = #",
  "delete from t where u = @ and id = #",
  "insert into t values (#, %, @, #)",
  "insert into t (id, n) values (#, %)",
  "insert into t (id, owner) values (#, #) on conflict do nothing",
  "insert into t (id, n) values (#, %) on conflict (id) do update set n = t.n + 1",
  "insert into t (id, u) values (#, @) on conflict (u) do update set n = t.n + 1",
  "insert into t (id, n) select #, id from k where id = #",
  "insert into k values (#, #, @)",
  "insert into k (id, t_id) values (#, null)",
  "update k set t_id = # where id = #",
  "update k set note = @ where id = #",
  "delete from k where id = #",
  "delete from k where t_id = #",
  "insert into s (v) values (%)",
  "insert into h values (#, #)",
  "update h set w = # where id = #",
  "delete from h where id = #",
  "with w as (delete from k where id = # returning t_id) update t set n = n + 1 from w where id = w.t_id",
  "with w as (update t set n = n + 1 where id = # returning n) select * from w",
  "merge into t using (select # as id) q on t.id = q.id when matched then update set n = % when not matched then insert (id, n) values (q.id, 0)",
  "merge into t using k on t.id = # and k.id = # when matched then delete when not matched then do nothing",
];

const others = [
  "savepoint p",
  "rollback to p",
  "release p",
  "commit",
  "commit",
  "rollback",
  "begin",
  "select 1/0",
  "lock table t in share mode",
  "lock table k in row exclusive mode",
  "lock table t in exclusive mode nowait",
  "truncate log",
  "select pg_advisory_xact_lock(#)",
  "select pg_try_advisory_xact_lock(#)",
  "select pg_advisory_xact_lock_shared(#)",
  "select pg_advisory_lock(#)",
  "select pg_advisory_unlock(#)",
  "set local enable_seqscan = off",
  "set lock_timeout = 0",
  "declare z cursor for select n from t where owner = #",
  "fetch z",
  "prepare q as select n from t where id = $1",
  "execute q(#)",
  "set constraints all immediate",
  "select now() is null",
];

const step: fc.Arbitrary<Sql> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...reads).chain(filled) },
  { weight: 6, arbitrary: fc.constantFrom(...writes).chain(filled) },
  { weight: 2, arbitrary: locking },
  { weight: 2, arbitrary: fc.constantFrom(...others).chain(filled) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(one, fc.constantFrom("select n from t where id = $1", "update t set n = n + 1 where id = $1"))
      .map(([id, sql]): Sql => [sql, String(id)]),
  },
);

const begin: fc.Arbitrary<readonly Sql[]> = fc.constantFrom(
  [],
  ["begin"],
  ["begin"],
  ["begin"],
  ["begin isolation level repeatable read"],
  ["begin isolation level serializable"],
  ["set default_transaction_isolation = 'repeatable read'", "begin"],
);

function opening(name: Name): fc.Arbitrary<readonly (readonly [Name, Sql])[]> {
  return fc
    .tuple(begin, fc.array(step, { maxLength: 2 }))
    .map(([start, steps]) => [...start, ...steps].map((sql) => [name, sql] as const));
}

const contended: fc.Arbitrary<Sql> = fc
  .constantFrom(
    "update t set n = n + 1 where id = #",
    "update t set n = n + 1 where id = #",
    "update t set n = n + 1 where id in (#, #)",
    "select n from t where id = # for update",
    "select n from t where id = # for share",
    "select n from t where id = # for key share",
    "select n from t where id in (#, #) order by id for update skip locked",
    "select n from t where id = # for no key update nowait",
    "insert into k values (3, #, 'z')",
    "insert into t (id) values (3)",
    "insert into t (id) values (#) on conflict do nothing",
    "delete from t where id = #",
    "select n from t where id = #",
    "select n from t where id = #",
    "select n from t where id = #",
    "select sum(n) from t",
    "select pg_advisory_xact_lock(#)",
    "commit",
    "commit",
    "commit",
    "rollback",
    "select 1/0",
    "select 1",
  )
  .chain(filled);

/** Transactions that meet on few rows: waits, deadlocks, snapshots. */
const meetings: fc.Arbitrary<Pair> = fc
  .record({
    begin: fc.constantFrom(
      ["begin", "begin"],
      ["begin", "begin"],
      ["begin isolation level repeatable read", "begin"],
      ["begin isolation level repeatable read", "begin isolation level repeatable read"],
      ["begin isolation level serializable", "begin isolation level serializable"],
    ),
    own: fc.tuple(fc.option(contended), fc.option(contended)),
    c: fc.array(contended, { maxLength: 2 }),
    a: contended,
    b: contended,
    alone: fc.boolean(),
  })
  .map(({ begin: [first, second], own, c, a, b, alone }) => ({
    before: [
      ["a", first] as const,
      ...(own[0] === null ? [] : [["a", own[0]] as const]),
      ...(alone ? [] : [["b", second] as const]),
      ...(own[1] === null ? [] : [["b", own[1]] as const]),
      ...c.map((sql) => ["c", sql] as const),
    ],
    a,
    b,
  }));

/** Beginnings behind which few steps are worth comparing: what a, b and c have done, and what a and b may do next. */
interface Tight {
  readonly a: readonly string[];
  readonly b: readonly string[];
  readonly c?: readonly string[];
  readonly nextA: readonly string[];
  readonly nextB: readonly string[];
}

const update = (id: number) => `update t set n = n + 1 where id = ${id}`;
const serializable = ["begin isolation level serializable", "select sum(n) from t"];

const tight: readonly Tight[] = [
  // Deadlocks of two and of three.
  {
    a: ["begin", update(1)],
    b: ["begin", update(2)],
    nextA: [
      update(2),
      "select n from t where id = 2 for share",
      "insert into k values (3, 2)",
      "delete from t where id = 2",
    ],
    nextB: [
      update(1),
      "select n from t where id = 1 for update",
      "insert into k values (4, 1)",
      "update t set id = 9 where id = 1",
    ],
  },
  {
    a: ["begin", update(1)],
    b: ["begin", update(2)],
    c: ["begin", "select pg_advisory_xact_lock(3)", update(1)],
    nextA: [update(2), "select pg_advisory_xact_lock(3)", "select 1"],
    nextB: ["select pg_advisory_xact_lock(3)", update(1)],
  },
  // Write skew.
  {
    a: [...serializable, update(1)],
    b: [...serializable, update(2)],
    nextA: ["commit", "rollback", "select * from k", "select 1"],
    nextB: ["commit", "select 1", "insert into k values (3, 2)", "rollback"],
  },
  // A reader that makes an anomaly of what two writers did.
  {
    a: serializable,
    b: ["begin isolation level serializable"],
    c: [...serializable, update(1)],
    nextA: [update(2), "commit"],
    nextB: ["select sum(n) from t", "select 1"],
  },
  // Looking whether a lock is there, and errors that give it up.
  {
    a: ["begin", update(1), "savepoint p", update(2)],
    b: ["begin"],
    nextA: ["select 1/0", "rollback to p", "release p", "insert into t (id) values (1)", "select 1", "rollback"],
    nextB: [
      "select n from t order by id for update skip locked",
      "select n from t where id = 1 for share nowait",
      "select n from t where id = 2 for key share skip locked",
      "select pg_try_advisory_xact_lock(1)",
    ],
  },
  // Rows that come to match.
  {
    a: [],
    b: [],
    nextA: [
      "update t set owner = 2 where owner = 1",
      "update t set owner = 3 where id = 1",
      "update t set id = 3 where id = 1",
    ],
    nextB: [
      "select count(*) from t where owner = 2",
      "select n from t where id = 3",
      "update t set n = n + 1 where owner = 3",
    ],
  },
  // A waiting statement that goes on.
  {
    a: ["begin", update(1)],
    b: [],
    c: ["update t set n = 7 where id in (1, 2)"],
    nextA: ["commit", "rollback", "select 1/0", "select 1"],
    nextB: [update(2), "select n from t where id = 2", "select n from t where id = 2 for update nowait"],
  },
  // What is locked already, as strongly or not.
  {
    a: ["begin", "select n from t where id = 1 for share"],
    b: ["begin"],
    nextA: [update(1), "select n from t where id = 1 for update", "delete from t where id = 1"],
    nextB: ["select n from t where id = 1 for share", "select n from t where id = 1 for key share nowait", update(2)],
  },
  {
    a: ["begin", "select n from t where id = 1 for update"],
    b: [],
    nextA: [update(1), "delete from t where id = 1", "update t set id = 5 where id = 1"],
    nextB: ["insert into t (id) values (1)", update(1), "select n from t where id = 1 for share skip locked"],
  },
  {
    a: ["begin", "update t set n = n + 1 where owner = 1"],
    b: ["begin"],
    c: ["insert into t (id, owner) values (3, 1)"],
    nextA: ["update t set n = n + 1 where owner = 1", "select n from t where owner = 1 for update"],
    nextB: [
      "select n from t where id = 3 for update",
      "select n from t where owner = 1 for share skip locked",
      update(2),
    ],
  },
  // What finds nothing to do.
  {
    a: [],
    b: [],
    nextA: ["insert into t (id) values (1) on conflict do nothing", "update t set n = 4 where id = 1 and owner = 2"],
    nextB: ["delete from t where id = 1", "update t set owner = 2 where id = 1", "insert into t (id) values (3)"],
  },
  // Tables.
  {
    a: ["begin"],
    b: ["begin isolation level repeatable read", "select 1"],
    nextA: ["lock table k in share mode", "truncate log", "lock table t in exclusive mode", "select count(*) from log"],
    nextB: [
      "insert into k values (3, 1)",
      "select count(*) from log",
      "delete from k where id = 1",
      "lock table log in share mode nowait",
    ],
  },
];

const crossings: fc.Arbitrary<Pair> = fc.constantFrom(...tight).chain(({ a, b, c = [], nextA, nextB }) => {
  const did = (name: Name, steps: readonly string[]) => steps.map((sql) => [name, sql] as const);
  return fc.record({
    before: fc.constant([...did("a", a), ...did("b", b), ...did("c", c)]),
    a: fc.constantFrom(...nextA),
    b: fc.constantFrom(...nextB),
  });
});

/** a's and b's openings one after the other, then c's, which may wait for one of them; or mixed. */
const mixtures: fc.Arbitrary<Pair> = fc.record({
  before: fc
    .tuple(
      opening("a"),
      opening("b"),
      fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: opening("c") }),
      fc.constantFrom("abc", "bac", "cab"),
    )
    .map(([a, b, c, order]) => order.split("").flatMap((name) => (name === "a" ? a : name === "b" ? b : c))),
  a: step,
  b: step,
});

export const pairs = fc.oneof(
  { weight: 1, arbitrary: mixtures },
  { weight: 2, arbitrary: meetings },
  { weight: 1, arbitrary: crossings },
);

const tables = (action: string) => `
  create table t (id int primary key, n int not null default 0, u text unique, owner int);
  create table k (id int primary key, t_id int references t ${action}, note text);
  create table log (what text, id int);
  create table s (id serial primary key, v int);
  create table h (id int primary key, w int);
  create index on k (t_id);
  create view v as select id, n from t where n > 0;
  create function total() returns bigint language sql stable as 'select sum(id) from k';
  create function note() returns trigger language plpgsql as $$
    begin insert into log values (tg_op, coalesce(new.id, old.id)); update t set n = n + 1 where id = new.w; return null; end $$;
  create trigger note after insert or update or delete on h for each row execute function note();
  create function unnote() returns trigger language plpgsql as $$
    begin insert into log values ('k', old.id); return old; end $$;
  create trigger unnote before delete on k for each row execute function unnote();
`;

// Without triggers and foreign keys, which a replica leaves to its origin.
const rows = `
  set session_replication_role = replica;
  delete from t; delete from k; delete from log; delete from s; delete from h;
  insert into t values (1, 0, 'x', 1), (2, 1, 'y', 2);
  insert into k values (1, 1, 'x'), (2, null, 'y');
  insert into h values (1, 1)`;

const all = (table: string, columns: string) =>
  `(select json_agg(json_build_array(${columns}) order by ${columns}) from ${table}) as ${table}`;

const state = `select ${[all("t", "id, n, u, owner"), all("k", "id, t_id, note"), all("log", "what, id"), all("s", "v"), all("h", "id, w")].join(", ")}`;

/** The same tables with foreign keys that do different things. */
export const scenes: readonly Scene[] = [
  "",
  "on delete cascade on update cascade",
  "on delete set null",
  "deferrable initially deferred",
].map((action) => ({ name: action || "as they are", schema: tables(action), rows, state }));
