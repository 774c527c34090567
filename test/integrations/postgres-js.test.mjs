import postgres from "postgres";
import { assertNoRace } from "raceproof";
import { expect, test } from "vitest";

test("postgres.js in an actor's code fails with a sentence that says why and what to do", async () => {
  const sql = postgres("postgres://127.0.0.1:1/nothing", { connect_timeout: 1 });
  const race = assertNoRace({
    schema: "create table t (n int)",
    concurrently: { a: () => sql`select 1`, b: () => sql`select 2` },
    reports: false,
  });
  await expect(race).rejects.toThrow(/an actor uses postgres\.js .* test this code with `pg`/);
  await sql.end({ timeout: 0 });
});
