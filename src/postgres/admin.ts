import pLimit from "p-limit";
import pg from "pg";

declare module "pg" {
  /** Both methods exist, the typings lack them. */
  interface Client {
    ref(): void;
    unref(): void;
  }
}

/**
 * The connection a server keeps for its own business: creating and dropping databases, and noticing that the server died.
 *
 * It keeps Node's event loop alive only while it waits for an answer, so that a program which forgets to stop its server
 * can still end.
 */
export class Admin {
  readonly #client: pg.Client;
  readonly #oneAtATime = pLimit(1);
  #ending = false;
  /** Settles when the connection is lost without having been told to end. */
  readonly lost: Promise<Error>;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.lost = new Promise((resolve) => {
      // Both may come, in either order; the first one counts. Without the listener a lost connection would end the process.
      client.on("error", (error) => this.#ending || resolve(error));
      client.on("end", () => this.#ending || resolve(new Error("the connection was closed by the server")));
    });
  }

  /** Rejects with what `pg` says when there is no connection to be had. */
  static async connect(config: pg.ClientConfig): Promise<Admin> {
    const client = new pg.Client({ application_name: "raceproof admin", ...config });
    const admin = new Admin(client);
    try {
      await client.connect();
    } catch (error) {
      admin.#ending = true;
      await client.end().catch(() => {});
      throw error;
    }
    client.unref();
    return admin;
  }

  /** Runs one statement, after those asked for earlier. */
  query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#oneAtATime(async () => {
      this.#client.ref();
      try {
        return (await this.#client.query<Row>(sql, [...values])).rows;
      } finally {
        this.#client.unref();
      }
    });
  }

  /** Closes the connection; what is still waiting for its turn rejects. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#client.ref();
    await this.#client.end().catch(() => {});
  }
}
