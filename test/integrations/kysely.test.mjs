import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { findsTheLostUpdate, nowhere } from "./lost-update.mjs";

const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool(nowhere) }) });

findsTheLostUpdate((lock) =>
  db.transaction().execute(async (trx) => {
    const { n } = await trx
      .selectFrom("counter")
      .select("n")
      .$if(lock, (query) => query.forUpdate())
      .executeTakeFirstOrThrow();
    await trx
      .updateTable("counter")
      .set({ n: n + 1 })
      .execute();
  }),
);
