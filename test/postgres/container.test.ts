import { execFileSync } from "node:child_process";

import { expect, test } from "vitest";

import { PostgresError } from "../../src/errors.js";
import { openServer } from "../../src/postgres/open.js";
import { ask, inChild, patient, stopping } from "./support.js";

/** The image to test with. */
const image = process.env["RACEPROOF_TEST_IMAGE"] ?? "postgres:15-alpine";

/** What keeps a container from being started here; tests do not pull images. */
function obstacle(): string | undefined {
  const needed = process.env["TESTCONTAINERS_RYUK_DISABLED"] === "true" ? [image] : [image, "testcontainers/ryuk"];
  try {
    for (const name of needed) {
      const ids = execFileSync("docker", ["images", "--quiet", name], {
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 5000,
      });
      if (ids.length === 0) return `the engine has no image ${name}`;
    }
    return undefined;
  } catch {
    return "no container engine answers";
  }
}

const skipped = obstacle();

test.skipIf(skipped)(
  `a container runs with settings for throw-away data${skipped === undefined ? "" : ` (skipped: ${skipped})`}`,
  async () => {
    const server = stopping(await openServer(`container:${image}`));
    expect(server).toMatchObject({
      kind: "container",
      superuser: true,
      settings: { fsync: "off", max_connections: "300" },
    });
    expect(server.description).toBe(`Postgres ${server.version} in a container of ${image}`);
    const databases = await Promise.all([server.createDatabase(), server.createDatabase()]);
    const { name, connection } = databases[1];
    expect(await ask(connection, "select current_database() as name")).toEqual([{ name }]);
  },
  patient.timeout,
);

test(
  "no engine is one clear error",
  async () => {
    const body = `await openServer("container").catch((error) => say({ name: error.name, message: error.message }));`;
    const { said } = inChild(body, { env: { ...process.env, DOCKER_HOST: "tcp://127.0.0.1:1" } });
    expect(await said).toEqual({
      name: new PostgresError().name,
      message: expect.stringMatching(/^No container engine answers\. .*--postgres embedded/),
    });
  },
  patient.timeout,
);
