import { expect, test } from "vitest";

import { withStandIns } from "../../src/shrink/stand-ins.js";

const today = "2031-05-06";
const [idA, idB, idC] = ["a", "b", "c"].map((digit) => `${digit.repeat(8)}-1111-4111-8111-111111111111`);

test("what two runs have alike stays, and what differs gets a stand-in of the same shape", () => {
  const one = { id: idA, n: 7, text: "r1/p1", list: [null, true, "2024-02-03"], lock: "ShareLock on transaction 731" };
  const other = { ...one, id: idB, lock: "ShareLock on transaction 802" };
  expect(withStandIns(one, other, today)).toEqual({
    ...one,
    id: "00000000-0000-4000-8000-000000000001",
    lock: "ShareLock on transaction N",
  });
});

test("equal values get equal stand-ins, others others, and both runs come to the same", () => {
  const run = (first: string, second: string) => ({ rows: [{ id: first }, { id: second }], message: `lost ${first}` });
  const stood = withStandIns(run(idA!, idB!), run(idB!, idC!), today);
  expect(stood.rows[0]!.id).not.toBe(stood.rows[1]!.id);
  expect(stood.message).toBe(`lost ${stood.rows[0]!.id}`);
  expect(withStandIns(run(idB!, idC!), run(idA!, idB!), today)).toEqual(stood);
});

test("times keep their format, and a date of today is of the clock though both have it", () => {
  const one = {
    iso: "2031-05-06T07:08:09.123Z",
    sql: "2031-05-06 07:08:09.123+00",
    day: "2031-05-06",
    fixed: "2020-01-02",
  };
  const other = { ...one, iso: "2031-05-06T07:08:10.001Z", sql: "2031-05-06 07:08:10.001+00" };
  const stood = withStandIns(one, other, today);
  expect(stood.iso).toMatch(/^2000-01-01T00:00:\d\d\.000Z$/);
  expect(stood.sql).toMatch(/^2000-01-01 00:00:\d\d\.000\+00$/);
  expect(stood.day).toBe("2000-01-01");
  expect(stood.fixed).toBe("2020-01-02");
});

test("numbers are counted", () => {
  expect(withStandIns([4711, 5, 4712, 4711], [1, 5, 2, 1], today)).toEqual([1, 5, 2, 1]);
});
