import knex from "knex";
import { findsTheLostUpdate, nowhere } from "./lost-update.mjs";

// Knex has a pool of its own (tarn), and makes `pg.Client`s for it.
const db = knex({ client: "pg", connection: nowhere, pool: { min: 0, max: 10 } });

findsTheLostUpdate((lock) =>
  db.transaction(async (trx) => {
    const query = trx("counter").select("n").where({ id: 1 });
    const [{ n }] = await (lock ? query.forUpdate() : query);
    await trx("counter")
      .where({ id: 1 })
      .update({ n: n + 1 });
  }),
);
