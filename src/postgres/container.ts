import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";

import type * as Testcontainers from "@testcontainers/postgresql";
import type { ClientConfig } from "pg";

import { PostgresError, UsageError } from "../errors.js";
import { connectTo } from "./connect.js";
import { lastWords } from "./last-words.js";
import { serve } from "./serve.js";
import type { PostgresServer } from "./server.js";
import { settingArguments, throwAwaySettings } from "./settings.js";

/** The optional package that talks to the container engine. */
export const containerPackage = "@testcontainers/postgresql";

/** In memory, and not where images have their volume: that place has moved between versions. */
const memory = "/raceproof";

/**
 * Starts a Postgres in a container, for as long as this process lives: should it be killed, the reaper of testcontainers
 * ends the container after a while (unless TESTCONTAINERS_RYUK_DISABLED is set).
 *
 * Throws {@link UsageError} where the package is not installed, {@link PostgresError} where no engine answers, the image
 * cannot be had, or Postgres does not start.
 */
export async function startContainer(image: string, prefix: string): Promise<PostgresServer> {
  const { PostgreSqlContainer } = await loadPackage();
  const password = randomBytes(12).toString("hex");
  const log = new StartLog();
  const container = await new PostgreSqlContainer(image)
    .withUsername("postgres")
    .withPassword(password)
    .withDatabase("postgres")
    .withTmpFs({ [memory]: "rw" })
    .withEnvironment({ PGDATA: `${memory}/data`, POSTGRES_INITDB_ARGS: "--locale=C --encoding=UTF8 --no-sync" })
    .withCommand(["postgres", ...settingArguments(throwAwaySettings)])
    .withLogConsumer((stream) => log.follow(stream))
    .start()
    .catch((error: unknown) => {
      throw explain(error, image, lastWords(log.text));
    })
    .finally(() => log.close());
  const end = async (): Promise<void> => {
    await container.stop();
  };
  try {
    const connection = (database: string): ClientConfig => ({
      ...addressOf(container),
      password,
      database,
      ssl: false,
    });
    const admin = await connectTo(connection("postgres"), `the container of ${image}`);
    const describe = (version: string): string => `Postgres ${version} in a container of ${image}`;
    return await serve({ kind: "container", admin, prefix, describe, connection, end });
  } catch (error) {
    await end().catch(() => {});
    throw error;
  }
}

/** What a container says while it starts; not longer, since reading on would keep Node's event loop alive. */
class StartLog {
  #stream: Readable | undefined;
  #text = "";

  follow(stream: Readable): void {
    this.#stream = stream;
    stream.on("data", (piece: unknown) => (this.#text = `${this.#text}${String(piece)}`.slice(-10_000)));
    stream.on("error", () => {});
  }

  get text(): string {
    return this.#text;
  }

  close(): void {
    this.#stream?.destroy();
  }
}

function addressOf(container: Testcontainers.StartedPostgreSqlContainer): ClientConfig {
  return { host: container.getHost(), port: container.getPort(), user: container.getUsername() };
}

/** Loaded only when asked for: most have neither the package nor an engine. */
async function loadPackage(): Promise<typeof Testcontainers> {
  try {
    return await import("@testcontainers/postgresql");
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new UsageError(
      `--postgres container needs the package ${containerPackage}, which cannot be loaded (${why}). ` +
        `Install it: npm install --save-dev ${containerPackage}`,
    );
  }
}

function explain(error: unknown, image: string, log: string): PostgresError {
  const why = (error instanceof Error ? error.message : String(error)).trim();
  if (why.includes("container runtime")) {
    return new PostgresError(
      "No container engine answers. Start Docker (or another engine, named by DOCKER_HOST), or use the embedded Postgres: --postgres embedded.",
    );
  }
  const advice =
    log === ""
      ? " Is the image's name right, and can it be pulled? So must be testcontainers/ryuk, unless TESTCONTAINERS_RYUK_DISABLED=true."
      : log;
  return new PostgresError(`The container of ${image} did not start: ${why}.${advice}`);
}
