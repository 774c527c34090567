import "reflect-metadata";
import { DataSource, EntitySchema } from "typeorm";
import { findsTheLostUpdate, nowhere } from "./lost-update.mjs";

const Counter = new EntitySchema({
  name: "counter",
  columns: { id: { type: Number, primary: true }, n: { type: Number } },
});
const source = new DataSource({
  type: "postgres",
  host: nowhere.host,
  username: nowhere.user,
  password: nowhere.password,
  database: nowhere.database,
  entities: [Counter],
});

findsTheLostUpdate(
  (lock) =>
    source.transaction(async (manager) => {
      const counter = await manager.findOneOrFail(Counter, {
        where: { id: 1 },
        ...(lock ? { lock: { mode: "pessimistic_write" } } : {}),
      });
      await manager.update(Counter, { id: 1 }, { n: counter.n + 1 });
    }),
  // It wants to connect once before it is used.
  { setup: async () => void (source.isInitialized || (await source.initialize())), lanes: 1 },
);
