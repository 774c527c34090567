import { pool } from "../database.js";

interface User {
  id: number;
  name: string;
  email: string;
  version: number;
}

/** With a column for its version, which ORMs keep if they are told to: what was read must still be there. */
const users = {
  async findOneBy(id: number): Promise<User> {
    return (await pool.query("SELECT id, name, email, version FROM person WHERE id = $1", [id])).rows[0];
  },
  async save({ id, name, email, version }: User): Promise<boolean> {
    const { rowCount } = await pool.query(
      "UPDATE person SET name = $3, email = $4, version = version + 1 WHERE id = $1 AND version = $2",
      [id, version, name, email],
    );
    return rowCount === 1;
  },
};

async function change(id: number, by: (user: User) => void): Promise<void> {
  for (;;) {
    const user = await users.findOneBy(id);
    by(user);
    if (await users.save(user)) return;
  }
}

export async function rename(id: number, name: string): Promise<void> {
  await change(id, (user) => (user.name = name));
}

export async function changeEmail(id: number, email: string): Promise<void> {
  await change(id, (user) => (user.email = email));
}
