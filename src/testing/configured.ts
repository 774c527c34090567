import { loadConfig, type Config } from "../config/config.js";
import { variableOf } from "../config/keys.js";
import { UsageError } from "../errors.js";
import { isolationNamed, isolations, type Isolation } from "../execution/model.js";
import type { RaceOptions } from "./assert-no-race.js";

let loaded: Promise<Config> | undefined;

/**
 * What environment variables and `raceproof.config.ts` say of race tests; the file is read once for each process.
 *
 * @throws {UsageError} When they are wrong.
 */
export async function configuredOptions(): Promise<RaceOptions> {
  loaded ??= loadConfig().then((found) => found?.config ?? {});
  const config = await loaded;
  const text = (key: keyof Config): string | undefined => process.env[variableOf("check", key)] || textOf(config[key]);
  const given = {
    postgres: text("postgres"),
    strategy: text("strategy"),
    seed: text("seed"),
    reports: text("reports"),
    executions: numberOf("executions", text("executions")),
    seconds: numberOf("time", text("time")),
    lanes: numberOf("lanes", text("lanes")),
    isolation: text("isolation")?.split(",").map(levelOf),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : [value].flat().map(String).join(",");
}

function numberOf(key: string, text: string | undefined): number | undefined {
  const value = text === undefined ? undefined : Number(text);
  if (value === undefined || value > 0) return value;
  throw new UsageError(
    `\`${key}\` (${variableOf("check", key)}, or in the configuration) must be a number above 0, and is ${text}`,
  );
}

function levelOf(text: string): Isolation {
  const level = isolationNamed(text);
  if (level !== undefined) return level;
  throw new UsageError(
    `\`isolation\` (RACEPROOF_ISOLATION, or in the configuration) is ${text}; there are: ${isolations.join(", ")}`,
  );
}
