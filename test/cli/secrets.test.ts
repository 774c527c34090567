import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { openServer } from "../../src/postgres/open.js";
import { ask, directoryOf } from "../postgres/support.js";
import { project } from "./support.js";

const { folder, counterexamples, run } = project();
const password = "s3cr/et w0rd";

let server: Awaited<ReturnType<typeof openServer>>;
let url: string;

beforeAll(async () => {
  server = await openServer("embedded");
  const host = await directoryOf(server);
  const sql = (text: string) => ask({ host, user: "postgres", database: "postgres", ssl: false }, text);
  await sql(`CREATE ROLE app LOGIN CREATEDB PASSWORD '${password}'`);
  const hba = path.join(host, "data", "pg_hba.conf");
  const trust = readFileSync(hba, "utf8");
  writeFileSync(hba, "local all app scram-sha-256\n");
  appendFileSync(hba, trust);
  await sql("SELECT pg_reload_conf()");
  url = `postgres://app:${encodeURIComponent(password)}@/postgres?host=${host}`;
});
afterAll(() => server.stop());

/** Every file of the user's folder, but for what is installed. */
function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name !== "node_modules")
    .map((name) => path.join(directory, name))
    .flatMap((file) => (statSync(file).isDirectory() ? filesIn(file) : [file]));
}

test("a password in the url gets into no file and into nothing that is printed", async () => {
  const reporters = ["junit=r/j.xml", "sarif=r/s.sarif", "jsonl=r/l.jsonl", "summary=r/s.md", "terminal"];
  const files = ["--reports", "r", "--counterexamples", "c", "--json", "v.json", "--checkpoint", "ck"];
  const asked = reporters.flatMap((each) => ["--reporter", each]);
  const checked = await run("check", "counter.ts", "--executions", "30", "--postgres", url, ...files, ...asked);
  expect(checked.code).toBe(0);
  const [file] = counterexamples("c");
  const replayed = await run("replay", file!, "--times", "3", "--postgres", url);
  expect(replayed.stdout).toContain("reproduced: 3 of 3");
  const listed = await run("list", "--counterexamples", "c", "--postgres", url);
  const refused = await run("replay", file!, "--postgres", url.replace("app:", "app:not"));
  expect([listed.code, refused.code]).toEqual([0, 3]);
  const printed = [checked, replayed, listed, refused].flatMap(({ stdout, stderr }) => [stdout, stderr]);
  const written = filesIn(folder).map((each) => readFileSync(each, "latin1"));
  expect(written.length).toBeGreaterThan(8);
  const secrets = [password, encodeURIComponent(password), "s3cr"];
  expect([...printed, ...written].filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([]);
});
