import { randomBytes } from "node:crypto";

import type { ClientConfig } from "pg";

import type { Admin } from "./admin.js";
import type { Database } from "./server.js";

/** What all our databases are called by, unless a run asks for another prefix. */
export const defaultPrefix = "raceproof";

/** Makes and drops the databases of one run. */
export class Databases {
  readonly runId = randomBytes(4).toString("hex");
  readonly #admin: Admin;
  readonly #prefix: string;
  readonly #connection: (database: string) => ClientConfig;
  readonly #live = new Set<string>();
  #count = 0;

  constructor(admin: Admin, prefix: string, connection: (database: string) => ClientConfig) {
    this.#admin = admin;
    this.#prefix = prefix;
    this.#connection = connection;
  }

  async create(): Promise<Database> {
    const name = `${this.#prefix}_${this.runId}_${++this.#count}`;
    // template0 and not template1: it is as Postgres ships it, and nobody can be connected to it, which would forbid the copy.
    await this.#admin.query(`create database ${name} template template0`);
    this.#live.add(name);
    return { name, connection: this.#connection(name), drop: () => this.#drop(name) };
  }

  async #drop(name: string): Promise<void> {
    if (!this.#live.delete(name)) return;
    await this.#admin.query(`drop database if exists ${name} with (force)`);
  }

  async dropAll(): Promise<void> {
    for (const name of [...this.#live]) await this.#drop(name);
  }
}
