import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";

import pg from "pg";

import { RaceproofError } from "../errors.js";
import { directoryBinaries, embeddedBinaries, embeddedPackage, type Binaries } from "./binaries.js";
import { cacheFolder, hasSavedClusters } from "./cluster-cache.js";
import { connectTo } from "./connect.js";
import { containerPackage } from "./container.js";
import { defaultPrefix, namesakes } from "./databases.js";
import { serverAccount, type Account } from "./identity.js";
import { needsCopy } from "./install.js";
import { open } from "./open.js";
import { runDirectories } from "./sweep.js";
import type { PostgresServer } from "./server.js";
import { parseSpec, variable, wishFor, type Spec } from "./spec.js";
import { chooseStorage, inMegabytes } from "./storage.js";
import { readUrl } from "./url.js";

/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, in a word or two, e.g. `storage`. */
  readonly what: string;
  /** `warn`: works, but worse than it could. `missing`: what depends on it cannot work. */
  readonly state: "ok" | "warn" | "missing";
  /** Whether the chosen Postgres depends on it; the rest is said for those who wonder what else they could choose. */
  readonly needed: boolean;
  readonly detail: string;
  /** What to do about it, where there is something to do. */
  readonly advice?: string;
}

/** What an examination came to. */
export interface Examination {
  /** Whether the chosen Postgres works: it was started or reached, and a database was made in it. */
  readonly works: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Finds out which Postgres would be used and whether it works, by really using it. Never rejects for what it finds;
 * prints nothing.
 */
export async function examine(given?: string): Promise<Examination> {
  const wish = wishFor(given);
  const choice = attempt("choice", () => parseSpec(wish));
  if ("finding" in choice) return { works: false, findings: [choice.finding] };
  const spec = choice.value;
  const findings: Finding[] = [
    {
      what: "choice",
      state: "ok",
      needed: true,
      detail: `${nameOf(spec)} (${wish.from === "default" ? `neither --postgres nor ${variable} is given` : `by ${wish.from}`})`,
    },
    ...examineOwn(spec),
    ...(await examineContainers(spec.kind === "container")),
    ...(await examineUrl(spec)),
  ];
  const server = await tryOut(spec);
  return { works: server.state === "ok", findings: [...findings, server] };
}

function nameOf(spec: Spec): string {
  if (spec.kind === "container") return `container of ${spec.image}`;
  if (spec.kind === "directory") return `binaries in ${spec.bin}`;
  if (spec.kind === "embedded") return "embedded";
  const read = attempt("url", () => readUrl(spec.url));
  return "value" in read ? `server at ${read.value.where}` : "a url";
}

/** Runs a check whose failure explains itself. */
function attempt<T>(what: string, check: () => T, needed = true): { value: T } | { finding: Finding } {
  try {
    return { value: check() };
  } catch (error) {
    return { finding: failure(what, error, needed) };
  }
}

function failure(what: string, error: unknown, needed: boolean): Finding {
  // An unexpected error would be ours, and then where it comes from matters.
  const detail =
    error instanceof RaceproofError ? error.message : error instanceof Error ? String(error.stack) : String(error);
  return { what, state: "missing", needed, detail };
}

/** What a server of our own rests on: an account to run it, binaries, a place for its data. */
function examineOwn(spec: Spec): Finding[] {
  const needed = spec.kind === "embedded" || spec.kind === "directory";
  const binaries = attempt(
    "binaries",
    () => (spec.kind === "directory" ? directoryBinaries(spec.bin) : embeddedBinaries()),
    needed,
  );
  const account = attempt("account", () => serverAccount(), needed);
  const findings: Finding[] = [];
  if ("finding" in binaries) findings.push(binaries.finding);
  else findings.push(...examineBinaries(binaries.value, spec, needed));
  if ("finding" in account) return [...findings, account.finding];
  findings.push(examineAccount(account.value, needed));
  const programs = "value" in binaries && needsCopy(binaries.value, account.value) !== undefined;
  findings.push(examineStorage(account.value, programs, needed), examineCache(needed));
  return [...findings, ...examineLeftovers(account.value)];
}

function examineBinaries(binaries: Binaries, spec: Spec, needed: boolean): Finding[] {
  const source = spec.kind === "directory" ? "" : `package ${embeddedPackage()}, `;
  const found: Finding = { what: "binaries", state: "ok", needed, detail: `${source}${binaries.bin}` };
  if (binaries.tree === undefined) return [found];
  const missing = binaries.missingLinks.length;
  const detail =
    missing === 0
      ? "had run: all links to libraries are there"
      : `had not run: ${missing} links to libraries are missing, and made at each start instead`;
  return [found, { what: "install scripts", state: "ok", needed, detail }];
}

function examineAccount(account: Account | undefined, needed: boolean): Finding {
  const detail =
    account === undefined
      ? `the server runs under ours, uid ${process.geteuid?.() ?? "unknown"}`
      : `we are root, so the server runs as ${account.name}, uid ${account.uid}`;
  return { what: "account", state: "ok", needed, detail };
}

function examineStorage(account: Account | undefined, programs: boolean, needed: boolean): Finding {
  const chosen = attempt("storage", () => chooseStorage({ account, programs }), needed);
  if ("finding" in chosen) return chosen.finding;
  const { folder, memory, freeBytes, passedOver } = chosen.value;
  const copied = programs ? "; the binaries are copied there at each start" : "";
  const detail = `${folder}, ${memory ? "in memory" : "on disk"}, ${inMegabytes(freeBytes)} free${copied}`;
  if (passedOver.length === 0) return { what: "storage", state: "ok", needed, detail };
  return {
    what: "storage",
    state: memory ? "ok" : "warn",
    needed,
    detail: `${detail}. Passed over: ${passedOver.join("; ")}`,
    ...(memory
      ? {}
      : { advice: "Slower than memory. In a container, give it a larger /dev/shm (docker run --shm-size=1g)." }),
  };
}

function examineCache(needed: boolean): Finding {
  const folder = cacheFolder();
  const has = folder !== undefined && hasSavedClusters(folder);
  const detail = has
    ? folder
    : `${folder ?? "no folder for it"}, empty so far: a first start takes half a second longer`;
  return { what: "cache", state: "ok", needed, detail };
}

function examineLeftovers(account: Account | undefined): Finding[] {
  const left = runDirectories(account).filter(({ standing }) => standing === "left over");
  if (left.length === 0) return [];
  const detail = `of runs that were killed: ${left.map(({ run }) => run).join(", ")}`;
  const advice = "Nothing to do: the next start of a server of our own removes them.";
  return [{ what: "leftovers", state: "ok", needed: false, detail, advice }];
}

async function examineContainers(needed: boolean): Promise<Finding[]> {
  const without = needed ? "missing" : "ok";
  const installed = isInstalled(containerPackage);
  const engine = await engineSocket();
  const packageFinding: Finding = installed
    ? { what: "container package", state: "ok", needed, detail: `${containerPackage} is installed` }
    : {
        what: "container package",
        state: without,
        needed,
        detail: `${containerPackage} is not installed; only --postgres container needs it`,
        advice: `npm install --save-dev ${containerPackage}`,
      };
  const engineFinding: Finding =
    engine === undefined
      ? {
          what: "container engine",
          // testcontainers knows more places to look than we do.
          state: needed ? "warn" : "ok",
          needed,
          detail: "none answers at DOCKER_HOST or the usual sockets; only --postgres container needs it",
        }
      : { what: "container engine", state: "ok", needed, detail: `answers at ${engine}` };
  return [packageFinding, engineFinding];
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** Where a container engine answers, if one does. */
async function engineSocket(): Promise<string | undefined> {
  const host = process.env["DOCKER_HOST"];
  const runtime = process.env["XDG_RUNTIME_DIR"];
  const places =
    host === undefined
      ? [
          "/var/run/docker.sock",
          path.join(os.homedir(), ".docker/run/docker.sock"),
          ...(runtime === undefined
            ? []
            : [path.join(runtime, "docker.sock"), path.join(runtime, "podman/podman.sock")]),
        ].filter((file) => existsSync(file))
      : [host];
  for (const place of places) if (await answers(place)) return place;
  return undefined;
}

function answers(place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const tcp = /^(?:tcp|https?):\/\/([^:/]+):(\d+)/.exec(place);
    const socket = tcp === null ? net.connect(place.replace(/^unix:\/\//, "")) : net.connect(Number(tcp[2]), tcp[1]);
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2000, () => settle(false));
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

/** What is on the server under our name, but not proven to be ours: we never touch it, so somebody else has to. */
async function examineUrl(spec: Spec): Promise<Finding[]> {
  if (spec.kind !== "url") return [];
  const target = attempt("url", () => readUrl(spec.url));
  if ("finding" in target) return [target.finding];
  try {
    const admin = await connectTo(target.value.connection(), target.value.where);
    try {
      const unmarked = (await namesakes(admin, defaultPrefix)).filter(({ standing }) => standing === "unmarked");
      if (unmarked.length === 0) return [];
      const detail = `called like ours, but not marked as made by raceproof: ${unmarked.map(({ name }) => name).join(", ")}`;
      const advice = "raceproof leaves them alone. If they are leftovers, drop them by hand.";
      return [{ what: "databases", state: "warn", needed: false, detail, advice }];
    } finally {
      await admin.end();
    }
  } catch {
    // Trying it out says why.
    return [];
  }
}

/** Opens the server, makes a database, asks it for its version, and takes everything down again. */
async function tryOut(spec: Spec): Promise<Finding> {
  const began = performance.now();
  try {
    const server = await open(spec, defaultPrefix);
    try {
      const upMs = Math.round(performance.now() - began);
      const version = await versionSaid(server);
      const role = server.superuser ? "" : "; our role is no superuser, so lock waits are polled for";
      return {
        what: "server",
        state: "ok",
        needed: true,
        detail: `${version} (${server.kind}, up in ${upMs} ms${role})`,
      };
    } finally {
      await server.stop();
    }
  } catch (error) {
    return failure("server", error, true);
  }
}

async function versionSaid(server: PostgresServer): Promise<string> {
  const database = await server.createDatabase();
  const client = new pg.Client(database.connection);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string }>("select version()");
    return rows[0]!.version;
  } finally {
    await client.end();
    await database.drop();
  }
}
