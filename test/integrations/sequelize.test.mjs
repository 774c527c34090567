import { DataTypes, Sequelize } from "sequelize";
import { findsTheLostUpdate, nowhere } from "./lost-update.mjs";

// Sequelize has a pool of its own, and makes `pg.Client`s for it.
const sequelize = new Sequelize(nowhere.database, nowhere.user, nowhere.password, {
  dialect: "postgres",
  host: nowhere.host,
  logging: false,
});
const Counter = sequelize.define(
  "counter",
  { id: { type: DataTypes.INTEGER, primaryKey: true }, n: DataTypes.INTEGER },
  { timestamps: false, freezeTableName: true },
);

findsTheLostUpdate((lock) =>
  sequelize.transaction(async (transaction) => {
    const counter = await Counter.findByPk(1, { transaction, lock });
    await Counter.update({ n: counter.n + 1 }, { where: { id: 1 }, transaction });
  }),
);
