import pg from "pg";
import { findsTheLostUpdate, nowhere } from "./lost-update.mjs";

const pool = new pg.Pool({ ...nowhere, max: 3, statement_timeout: 5_000, application_name: "shop", ssl: false });

findsTheLostUpdate(async (lock) => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query(`select n from counter where id = 1 ${lock ? "for update" : ""}`);
    await client.query("update counter set n = $1 where id = 1", [rows[0].n + 1]);
    await client.query("commit");
  } finally {
    client.release();
  }
});
