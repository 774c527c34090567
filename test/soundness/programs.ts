import fc from "fast-check";

import { faultKinds, type FaultKind } from "../../src/strategy/fault.js";

/** A session's statements, each sent as it is; some inside a transaction, some not. */
export interface SqlProgram {
  readonly isolation: "read committed" | "repeatable read" | "serializable";
  readonly sessions: readonly (readonly string[])[];
  /** What may go wrong with the first session, once. */
  readonly fault?: FaultKind;
}

/**
 * Two tables with keys, a foreign key that cascades and one that is checked at COMMIT, unique columns, of which one is
 * generated and one is unique for some rows only, a trigger that writes elsewhere, a function and a view that read.
 */
export const schema = `
  create table parent (
    id int primary key, n int not null default 0, tag text unique, twice int generated always as (n * 2) stored);
  create table child (
    id int primary key, parent_id int references parent on delete cascade, n int not null default 0,
    late_id int references parent deferrable initially deferred, once int generated always as (n + 1) stored);
  create unique index on child (parent_id) where n > 4;
  create unique index on child (once) where n > 6;
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
const anyId = fc.constantFrom(1, 2, 3);
const tag = fc.constantFrom("a", "c");
const strength = fc.constantFrom("for update", "for no key update", "for share", "for key share");
const impatience = fc.constantFrom("", "", "", " nowait", " skip locked");

/** SQL with arbitrary parts. */
function sql(texts: TemplateStringsArray, ...holes: readonly fc.Arbitrary<string | number>[]): fc.Arbitrary<string> {
  return fc.tuple(...holes).map((values) => texts.reduce((text, part, at) => `${text}${values[at - 1]}${part}`));
}

const statement: fc.Arbitrary<string> = fc.oneof(
  sql`select n from parent where id = ${id}`,
  fc.constant("select sum(n) as n, count(*) as m from parent"),
  fc.constant("select total() as n"),
  fc.constant("select * from children order by parent_id"),
  fc.constant("select count(*) as n from log"),
  sql`select n from parent where id = ${id} ${strength}${impatience}`,
  sql`select id from child where parent_id = ${id} order by id ${strength}${impatience}`,
  sql`update parent set n = n + 10 where id = ${id}`,
  fc.constant("update parent set n = n * 2"),
  sql`update parent set tag = '${tag}' where id = ${id}`,
  fc.constant("update parent set n = n + 1 where n > 1"),
  sql`insert into parent (id, n, tag) values (${newId}, 5, '${tag}')`,
  sql`insert into parent (id, n) values (${newId}, 7) on conflict (id) do nothing`,
  sql`insert into parent (id, n, tag) values (3, 7, '${tag}') on conflict do nothing`,
  sql`insert into parent (id, n) values (${newId}, 7) on conflict (id) do update set n = parent.n + 100`,
  sql`delete from parent where id = ${id}`,
  sql`insert into child (id, parent_id, n) values (${newId}, ${anyId}, 3)`,
  sql`update child set parent_id = ${anyId} where id = 1`,
  fc.constant("update child set n = n + 5"),
  fc.constant("delete from child where id = 1"),
  fc.constant("update parent set n = (select count(*) from child) where id = 2"),
  fc.constant(
    "with gone as (delete from child where id = 1 returning parent_id) update parent set n = 0 where id in (select parent_id from gone)",
  ),
  sql`select id from parent where twice = ${id}`,
  sql`update child set late_id = ${anyId} where id = ${id}`,
  sql`update child set n = 7 where id = ${id}`,
  sql`merge into parent using (values (${newId})) as given (id) on parent.id = given.id when matched then update set n = n + 1 when not matched then insert (id) values (given.id)`,
  fc.constant("savepoint s"),
  fc.constant("rollback to s"),
  sql`select pg_advisory_xact_lock(${id})`,
  fc.constant("select pg_try_advisory_xact_lock(1) as got"),
  fc.constant("lock table child in share mode"),
);

/** Statements by themselves, or a transaction of them. */
function session(statements: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> {
  const begin = fc.constantFrom(
    "begin",
    "begin",
    "begin",
    "begin isolation level repeatable read",
    "begin isolation level serializable",
  );
  const end = fc.constantFrom("commit", "commit", "commit", "rollback");
  const transaction = fc
    .tuple(begin, fc.array(statements, { minLength: 1, maxLength: 3 }), end)
    .map(([first, body, last]) => [first, ...body, last]);
  return fc.oneof(
    { weight: 1, arbitrary: fc.array(statements, { minLength: 1, maxLength: 2 }) },
    { weight: 2, arbitrary: transaction },
  );
}

/**
 * Two or three sessions over few different statements, so that these meet.
 *
 * @param mostOrders Programs with more orders, if nothing ever had to wait, are left out: to run them all takes too long.
 */
export function programs(mostOrders: number): fc.Arbitrary<SqlProgram> {
  const some = (statements: readonly string[], fault?: FaultKind) =>
    fc.record<SqlProgram>({
      isolation: fc.constantFrom("read committed", "read committed", "repeatable read", "serializable"),
      sessions: fc.array(session(fc.constantFrom(...statements)), { minLength: 2, maxLength: 3 }),
      ...(fault === undefined ? {} : { fault: fc.constant(fault) }),
    });
  // One more order for each step at which the fault may happen, each with orders of its own.
  const size = ({ sessions, fault }: SqlProgram) =>
    orders(sessions.map(({ length }) => length)) * (fault === undefined ? 1 : 1 + sessions[0]!.length);
  return fc
    .tuple(
      fc.uniqueArray(statement, { minLength: 1, maxLength: 4 }),
      fc.option(fc.constantFrom(...faultKinds), { nil: undefined, freq: 3 }),
    )
    .chain(([statements, fault]) => some(statements, fault))
    .filter((program) => size(program) <= mostOrders);
}

/** (n₁ + n₂ + …)! / (n₁! n₂! …) */
function orders(lengths: readonly number[]): number {
  let result = 1;
  let total = 0;
  for (const length of lengths) for (let i = 1; i <= length; i++) result *= ++total / i;
  return Math.round(result);
}
