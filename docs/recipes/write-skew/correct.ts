import { retried, transaction } from "../database.js";

export async function goOffCall(doctor: string): Promise<boolean> {
  return retried(() =>
    transaction(async (client) => {
      const { rows } = await client.query("SELECT count(*)::int AS count FROM doctor WHERE on_call");
      if (rows[0].count < 2) return false;
      await client.query("UPDATE doctor SET on_call = false WHERE name = $1", [doctor]);
      return true;
    }, "SERIALIZABLE"),
  );
}
