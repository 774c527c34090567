// A TypeScript user with CommonJS; `require` of a module needs Node 20.19 or 22.12.
import pg = require("pg");
import raceproof = require("raceproof");

const pool = new pg.Pool({ host: "nowhere.invalid" });
const increment = () => pool.query("update counter set n = n + 1");

raceproof
  .assertNoRace({
    schema: "create table counter (n integer not null); insert into counter values (0)",
    concurrently: [increment, increment],
    invariant: async ({ pool }) => (await pool.query<{ n: number }>("select n from counter")).rows[0]?.n === 2,
    reports: false,
  })
  .then(
    ({ claim }) => console.log(`from CommonJS: ${claim}`),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
