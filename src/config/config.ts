import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createJiti } from "jiti";
import { UsageError } from "../errors.js";
import type { Isolation } from "../execution/model.js";
import { closest, configKeys } from "./keys.js";

/** What `raceproof.config.ts` may say. Flags and options of a test win over environment variables, and these over this file. */
export interface Config {
  /** Which Postgres: as `--postgres`. For every command, and for race tests. */
  readonly postgres?: string;
  /** What `raceproof check` checks when no model is named. */
  readonly model?: string;
  readonly implementation?: string | readonly string[];
  readonly isolation?: Isolation | readonly Isolation[];
  readonly faults?: boolean;
  readonly strategy?: string;
  readonly seed?: string;
  readonly executions?: number;
  /** Seconds. */
  readonly time?: number;
  readonly lanes?: number;
  readonly json?: string;
  readonly reports?: string;
  /** Seconds. */
  readonly shrinkTime?: number;
  /** Where what was found is remembered; false for nowhere. */
  readonly counterexamples?: string | false;
  /** E.g. `3/8`. */
  readonly shard?: string;
  readonly checkpoint?: string;
  readonly reporter?: string | readonly string[];
  readonly merge?: {
    readonly json?: string;
    readonly reports?: string;
    readonly counterexamples?: string | false;
    readonly reporter?: string | readonly string[];
    readonly shrink?: boolean;
    /** Seconds. */
    readonly shrinkTime?: number;
    readonly lanes?: number;
    readonly model?: string;
  };
  readonly show?: {
    readonly format?: "html" | "terminal" | "markdown";
    readonly allSteps?: boolean;
    readonly open?: boolean;
    readonly output?: string;
  };
  readonly list?: {
    readonly counterexamples?: string;
    readonly replay?: boolean;
    readonly model?: string;
    readonly json?: boolean;
  };
  readonly replay?: {
    readonly times?: number;
    readonly guided?: boolean;
    readonly pauseAt?: number;
    readonly model?: string;
    readonly json?: boolean;
  };
  readonly explain?: { readonly model?: string; readonly json?: boolean };
  readonly scenario?: {
    readonly implementation?: string | readonly string[];
    readonly all?: boolean;
    readonly json?: boolean;
  };
  readonly spec?: {
    readonly strategy?: "permutations" | "all" | "exhaustive";
    readonly format?: "terminal" | "isolationtester" | "json";
    readonly json?: boolean;
    readonly lanes?: number;
  };
  readonly export?: { readonly format?: "spec" | "psql" | "test"; readonly output?: string; readonly model?: string };
  readonly doctor?: { readonly json?: boolean };
}

/** Checks a configuration's types where it is written; returns it as it is. */
export function defineConfig(config: Config): Config {
  return config;
}

/** A configuration and where it was found. */
export interface FoundConfig {
  readonly config: Config;
  /** For messages, as seen from the working directory. */
  readonly file: string;
}

const names = ["ts", "mts", "cts", "js", "mjs", "cjs"].map((extension) => `raceproof.config.${extension}`);

/**
 * The configuration of the project that the working directory is in: the file that RACEPROOF_CONFIG names, else the first
 * `raceproof.config.ts` (or `.mts`, `.js`, …) in it or above it, up to the root of the repository.
 *
 * @throws {UsageError} When it cannot be loaded, or has a key that nobody knows.
 */
export async function loadConfig(): Promise<FoundConfig | undefined> {
  const { RACEPROOF_CONFIG: named } = process.env;
  if (named !== undefined && named !== "" && !existsSync(named))
    throw new UsageError(`RACEPROOF_CONFIG names ${named}, and there is no such file`);
  const found = named === undefined || named === "" ? find(process.cwd()) : path.resolve(named);
  if (found === undefined) return undefined;
  const file = path.relative(process.cwd(), found) || found;
  return { config: checked(await read(found, file), file), file };
}

function find(folder: string): string | undefined {
  const name = names.find((each) => existsSync(path.join(folder, each)));
  if (name !== undefined) return path.join(folder, name);
  const above = path.dirname(folder);
  return above === folder || existsSync(path.join(folder, ".git")) ? undefined : find(above);
}

async function read(absolute: string, file: string): Promise<unknown> {
  try {
    return (await createJiti(pathToFileURL(absolute).href).import<{ default?: unknown }>(absolute)).default;
  } catch (error) {
    throw new UsageError(
      `${file} cannot be loaded: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
    );
  }
}

function checked(value: unknown, file: string): Config {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`${file} has no configuration; write \`export default defineConfig({ … })\``);
  const { check: top, ...sections } = configKeys;
  const known: readonly string[] = [...top, ...Object.keys(sections)];
  requireKnown(value, known, file, "");
  for (const [section, keys] of Object.entries(sections)) {
    const given = (value as Record<string, unknown>)[section];
    if (given === undefined) continue;
    if (typeof given !== "object" || given === null)
      throw new UsageError(`\`${section}\` in ${file} must be an object`);
    requireKnown(given, keys, file, `${section}.`);
  }
  return value;
}

function requireKnown(value: object, known: readonly string[], file: string, prefix: string): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const meant = closest(key, known);
    const advice = meant === undefined ? `there are: ${known.join(", ")}` : `did you mean \`${prefix}${meant}\`?`;
    throw new UsageError(`${file} has an unknown key \`${prefix}${key}\`; ${advice}`);
  }
}
