import type { Act } from "../support.js";

/** Locks rows of a table `t` in this order, in one transaction. */
export const lock =
  (...ids: number[]): Act =>
  async ({ pool }) => {
    const client = await pool.connect();
    try {
      await client.query("begin");
      for (const id of ids) await client.query(`update t set n = n + 1 where id = ${id}`);
      await client.query("commit");
      return "committed";
    } catch (error) {
      await client.query("rollback");
      return (error as { code?: string }).code;
    } finally {
      client.release();
    }
  };
