import { readFileSync } from "node:fs";

/** The version in the package's own package.json, which is two folders up once compiled and one before. */
export const version: string = readVersion();

function readVersion(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      const found = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (found.name === "raceproof" && found.version !== undefined) return found.version;
    } catch {
      // Not there: the other place.
    }
  }
  return "unknown";
}
