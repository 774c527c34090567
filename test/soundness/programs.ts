import fc from "fast-check";

/** A session's statements, each sent as it is; some inside a transaction, some not. */
export interface SqlProgram {
  readonly isolation: "read committed" | "repeatable read" | "serializable";
  readonly sessions: readonly (readonly string[])[];
}

/** Two tables with keys and a foreign key, a unique column, a trigger that writes elsewhere, a function and a view that read. */
export const schema = `
  create table parent (id int primary key, n int not null default 0, tag text unique);
  create table child (id int primary key, parent_id int references parent, n int not null default 0);
  create table log (id serial primary key, what int);
  create function note() returns trigger language plpgsql as $$ begin insert into log (what) values (new.n); return new; end $$;
  create trigger note after update on child for each row execute function note();
  create function total() returns bigint language sql stable as 'select sum(n) from parent';
  create view children as select parent_id, count(*) as n from child group by parent_id;`;

export const rows = {
  parent: [
    { id: 1, n: 1, tag: "a" },
    { id: 2, n: 2, tag: "b" },
  ],
  child: [{ id: 1, parent_id: 1, n: 1 }],
};

/** All that the sessions leave behind; numbers from sequences are nobody's business. */
export const state = {
  parent: "select * from parent order by id",
  child: "select * from child order by id",
  log: "select what from log order by what",
};

const id = fc.constantFrom(1, 2);
const newId = fc.constantFrom(2, 3);
const tag = fc.constantFrom("a", "c");
const strength = fc.constantFrom("for update", "for no key update", "for share", "for key share");
const impatience = fc.constantFrom("", "", "", " nowait", " skip locked");

const statement: fc.Arbitrary<string> = fc.oneof(
  id.map((i) => `select n from parent where id = ${i}`),
  fc.constant("select sum(n) as n, count(*) as m from parent"),
  fc.constant("select total() as n"),
  fc.constant("select * from children order by parent_id"),
  fc.tuple(id, strength, impatience).map(([i, how, now]) => `select n from parent where id = ${i} ${how}${now}`),
  id.map((i) => `update parent set n = n + 10 where id = ${i}`),
  fc.constant("update parent set n = n * 2"),
  fc.tuple(id, tag).map(([i, t]) => `update parent set tag = '${t}' where id = ${i}`),
  fc.constant("update parent set n = n + 1 where n > 1"),
  fc.tuple(newId, tag).map(([i, t]) => `insert into parent (id, n, tag) values (${i}, 5, '${t}')`),
  newId.map((i) => `insert into parent (id, n) values (${i}, 7) on conflict (id) do nothing`),
  newId.map((i) => `insert into parent (id, n) values (${i}, 7) on conflict (id) do update set n = parent.n + 100`),
  id.map((i) => `delete from parent where id = ${i}`),
  fc
    .tuple(newId, fc.constantFrom(1, 2, 3))
    .map(([i, p]) => `insert into child (id, parent_id, n) values (${i}, ${p}, 3)`),
  fc.constant("update child set n = n + 5"),
  fc.constant("delete from child where id = 1"),
  fc.constant("update parent set n = (select count(*) from child) where id = 2"),
  fc.constant(
    "with gone as (delete from child where id = 1 returning parent_id) update parent set n = 0 where id in (select parent_id from gone)",
  ),
  fc.constantFrom(1, 2).map((k) => `select pg_advisory_xact_lock(${k})`),
  fc.constant("select pg_try_advisory_xact_lock(1) as got"),
  fc.constant("lock table child in share mode"),
);

const autocommit = fc.array(statement, { minLength: 1, maxLength: 2 });
const transaction = fc
  .tuple(fc.array(statement, { minLength: 1, maxLength: 3 }), fc.constantFrom("commit", "commit", "commit", "rollback"))
  .map(([body, end]) => ["begin", ...body, end]);
const session = fc.oneof({ weight: 1, arbitrary: autocommit }, { weight: 2, arbitrary: transaction });

/** Two sessions, or three that are short. */
export const programs: fc.Arbitrary<SqlProgram> = fc.record({
  isolation: fc.constantFrom("read committed", "read committed", "repeatable read", "serializable"),
  sessions: fc.oneof(
    { weight: 3, arbitrary: fc.array(session, { minLength: 2, maxLength: 2 }) },
    {
      weight: 1,
      arbitrary: fc.array(
        fc.oneof(
          autocommit,
          transaction.filter((body) => body.length <= 3),
        ),
        { minLength: 3, maxLength: 3 },
      ),
    },
  ),
});
