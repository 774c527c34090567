import { pool } from "../database.js";

interface User {
  id: number;
  name: string;
  email: string;
}

/** As the repositories of many ORMs have it: the whole row is read, and the whole row is written. */
const users = {
  async findOneBy(id: number): Promise<User> {
    return (await pool.query("SELECT id, name, email FROM person WHERE id = $1", [id])).rows[0];
  },
  async save({ id, name, email }: User): Promise<void> {
    await pool.query("UPDATE person SET name = $2, email = $3 WHERE id = $1", [id, name, email]);
  },
};

export async function rename(id: number, name: string): Promise<void> {
  const user = await users.findOneBy(id);
  user.name = name;
  await users.save(user);
}

export async function changeEmail(id: number, email: string): Promise<void> {
  const user = await users.findOneBy(id);
  user.email = email;
  await users.save(user);
}
