import { chmodSync, existsSync, readdirSync, readFileSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";

import { expect, test } from "vitest";

import { cacheFolder, openSavedCluster } from "../../src/postgres/cluster-cache.js";
import { inChild, patient, temporaryFolder } from "./support.js";

test("what one process wrote the next one finds; a version or option more is another cluster", () => {
  const folder = path.join(temporaryFolder(), "cache");
  save(folder, "18.4", "data");
  const found = openSavedCluster(["18.4"], folder)!;
  expect(found.found).toBe(true);
  expect(readFileSync(found.descriptor, "utf8")).toBe("data");
  found.close(true);
  const other = openSavedCluster(["18.4", "--other"], folder)!;
  expect(other.found).toBe(false);
  other.close(false);
  expect(readdirSync(folder)).toHaveLength(1);
});

test("of two that write at the same time both succeed, and a whole one stays", () => {
  const folder = temporaryFolder();
  const [a, b] = [openSavedCluster(["18.4"], folder)!, openSavedCluster(["18.4"], folder)!];
  writeSync(a.descriptor, "aaaa");
  writeSync(b.descriptor, "bbbb");
  a.close(true);
  b.close(true);
  const found = openSavedCluster(["18.4"], folder)!;
  expect(readFileSync(found.descriptor, "utf8")).toBe("bbbb");
  found.close(true);
});

test("one that turned out to be bad is thrown away", () => {
  const folder = temporaryFolder();
  save(folder, "18.4", "bad");
  openSavedCluster(["18.4"], folder)!.close(false);
  expect(readdirSync(folder)).toEqual([]);
});

test("nothing is kept where others may write, or where we may not", () => {
  const folder = temporaryFolder();
  chmodSync(folder, 0o777);
  expect(openSavedCluster(["18.4"], folder)).toBeUndefined();
  expect(openSavedCluster(["18.4"], "/proc/none")).toBeUndefined();
  expect(openSavedCluster(["18.4"], undefined)).toBeDefined();
});

test("the folder is XDG's, or that of the home, if there is one", () => {
  const home = temporaryFolder();
  expect(cacheFolder({ XDG_CACHE_HOME: "/c", HOME: home })).toBe("/c/raceproof");
  expect(cacheFolder({ XDG_CACHE_HOME: "relative", HOME: home })).toBe(`${home}/.cache/raceproof`);
  expect(cacheFolder({ HOME: "/nonexistent" })).toBeUndefined();
});

test("what has not been used for long is removed", () => {
  const folder = temporaryFolder();
  save(folder, "15.1", "old");
  const [file] = readdirSync(folder);
  const longAgo = new Date(Date.now() - 40 * 24 * 3600 * 1000);
  utimesSync(path.join(folder, file!), longAgo, longAgo);
  save(folder, "18.4", "new");
  expect(existsSync(path.join(folder, file!))).toBe(false);
});

test(
  "a server starts without a saved cluster, with one, and with a damaged one, which is replaced",
  async () => {
    const cache = temporaryFolder();
    const open = async (): Promise<void> => {
      const body = `const server = await openServer("embedded"); say(server.version); await server.stop();`;
      const child = inChild(body, { env: { ...process.env, XDG_CACHE_HOME: cache } });
      await child.said;
      expect(await child.ended).toEqual({ by: 0, stderr: "" });
    };
    const saved = (): string[] => (existsSync(`${cache}/raceproof`) ? readdirSync(`${cache}/raceproof`) : []);
    await open();
    expect(saved()).toEqual([expect.stringMatching(/^cluster-[0-9a-f]{16}\.tar$/)]);
    await open();
    writeFileSync(path.join(cache, "raceproof", saved()[0]!), "rubbish");
    await open();
    expect(saved()).toEqual([]);
  },
  patient.timeout,
);

function save(folder: string, version: string, content: string): void {
  const saved = openSavedCluster([version], folder)!;
  expect(saved.found).toBe(false);
  writeSync(saved.descriptor, content);
  saved.close(true);
}
