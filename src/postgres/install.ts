import { accessSync, constants, lchownSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { cp } from "node:fs/promises";
import path from "node:path";

import { PostgresError } from "../errors.js";
import { describeTree, oldestMajor, probeVersion, serverEnvironment, type Binaries } from "./binaries.js";
import type { Account } from "./identity.js";
import { handOver } from "./run-directory.js";
import { closedTo } from "./storage.js";

/** Binaries that are known to run, under the account they will run under. */
export interface Installed {
  readonly bin: string;
  /** Where they were found, before they were copied perhaps. */
  readonly origin: string;
  /** What `postgres --version` says. */
  readonly version: string;
  readonly env: Record<string, string>;
}

/**
 * Why the binaries cannot be run where they are, if they cannot.
 *
 * Either the account that has to run them may not reach them, or, on macOS, links to libraries are missing there: naming
 * another folder for them in the environment does not help, as initdb calls Postgres by /bin/sh, which drops such variables.
 */
export function needsCopy(binaries: Binaries, account: Account | undefined): string | undefined {
  const closed = account === undefined ? undefined : closedTo(account, path.join(binaries.bin, "postgres"));
  if (closed !== undefined) return `${closed} is closed to the account ${account!.name}`;
  return process.platform === "darwin" && binaries.missingLinks.length > 0
    ? "links to libraries are missing"
    : undefined;
}

/**
 * Makes the binaries run from a server's directory, and hands that over to the account the server runs under.
 *
 * Their own place is left as it is: missing links to libraries are made in the directory, and binaries that the account
 * may not reach (a checkout below /root, say) are copied into it. Throws {@link PostgresError} where they cannot be run.
 */
export async function install(original: Binaries, run: string, account: Account | undefined): Promise<Installed> {
  const obstacle = needsCopy(original, account);
  const binaries = obstacle === undefined ? original : await copyTree(original, run, account, obstacle);
  const links = path.join(run, "lib");
  makeLinks(binaries, links);
  // All of it: who cleans up after us if we are killed must be able to remove it.
  handOver(links, account);
  handOver(run, account);
  const env = serverEnvironment(binaries, links);
  const probe = await probeVersion(binaries, env, account);
  const postgres = path.join(original.bin, "postgres");
  if (!probe.ok)
    throw new PostgresError(`Cannot run ${postgres}${under(account)}: ${probe.message}${adviceFor(binaries)}`);
  if (probe.major < oldestMajor) {
    throw new PostgresError(`${postgres} is ${probe.text}, too old: raceproof needs Postgres ${oldestMajor} or newer.`);
  }
  return { bin: binaries.bin, origin: original.bin, version: probe.text, env };
}

function makeLinks({ missingLinks }: Binaries, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, file } of missingLinks) symlinkSync(file, path.join(folder, name));
}

async function copyTree(
  { bin, tree }: Binaries,
  run: string,
  account: Account | undefined,
  obstacle: string,
): Promise<Binaries> {
  if (tree === undefined) {
    throw new PostgresError(
      `Postgres refuses to run as root, and ${bin} cannot be used otherwise: ${obstacle}. ` +
        "Open it to others (chmod o+x), or run raceproof as an ordinary user.",
    );
  }
  const copy = path.join(run, "native");
  const flag = constants.COPYFILE_FICLONE;
  await cp(tree, copy, { recursive: true, verbatimSymlinks: true, mode: flag });
  makeLinks(describeTree(path.join(copy, "bin")), path.join(copy, "lib"));
  if (account !== undefined) {
    for (const entry of ["", ...readdirSync(copy, { recursive: true, encoding: "utf8" })]) {
      lchownSync(path.join(copy, entry), account.uid, account.gid);
    }
  }
  return describeTree(path.join(copy, "bin"));
}

function under(account: Account | undefined): string {
  return account === undefined ? "" : ` as ${account.name}`;
}

/** A program that is there and yet "not found" lacks its loader. */
function adviceFor(binaries: Binaries): string {
  const loader = existsAndMayRun(path.join(binaries.bin, "postgres")) && isMusl();
  return loader
    ? " (these binaries need glibc, and this system has musl). Use the system's own: --postgres /usr/libexec/postgresql18, or wherever it has initdb."
    : "";
}

function existsAndMayRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isMusl(): boolean {
  const report: unknown = process.platform === "linux" ? process.report.getReport() : undefined;
  const header: unknown =
    typeof report === "object" && report !== null && "header" in report ? report.header : undefined;
  return typeof header === "object" && header !== null && !("glibcVersionRuntime" in header);
}
