import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable } from "drizzle-orm/pg-core";
import pg from "pg";
import { findsTheLostUpdate, nowhere } from "./lost-update.mjs";

const counter = pgTable("counter", { id: integer().primaryKey(), n: integer().notNull() });
const db = drizzle(new pg.Pool(nowhere));

findsTheLostUpdate((lock) =>
  db.transaction(async (tx) => {
    const query = tx.select().from(counter);
    const [{ n }] = await (lock ? query.for("update") : query);
    await tx.update(counter).set({ n: n + 1 });
  }),
);
