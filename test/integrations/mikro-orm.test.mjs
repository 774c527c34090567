import { EntitySchema, LockMode, MikroORM } from "@mikro-orm/postgresql";
import { findsTheLostUpdate, nowhere } from "./lost-update.mjs";

const Counter = new EntitySchema({
  name: "Counter",
  tableName: "counter",
  properties: { id: { type: "number", primary: true }, n: { type: "number" } },
});
// It has a copy of `pg` of its own here, and goes through Knex.
const orm = await MikroORM.init({
  entities: [Counter],
  host: nowhere.host,
  user: nowhere.user,
  password: nowhere.password,
  dbName: nowhere.database,
  connect: false,
});

findsTheLostUpdate((lock) =>
  orm.em.fork().transactional(async (em) => {
    const counter = await em.findOneOrFail("Counter", 1, lock ? { lockMode: LockMode.PESSIMISTIC_WRITE } : {});
    counter.n++;
  }),
);
