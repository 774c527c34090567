import path from "node:path";

import { UsageError } from "../errors.js";

/** Which Postgres to use, as asked for. */
export type Spec =
  | { readonly kind: "embedded" }
  | { readonly kind: "container"; readonly image: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "directory"; readonly bin: string };

/** The environment variable that stands in for `--postgres`. */
export const variable = "RACEPROOF_POSTGRES";

/** As new as the embedded one, so that one does not see another Postgres by choosing another way to it. */
export const defaultImage = "postgres:18-alpine";

/** A wish for a Postgres, and where it was found. */
export interface Wish {
  readonly text: string;
  readonly from: string;
}

/** Takes what was given, else the environment variable, else `embedded`. */
export function wishFor(given: string | undefined, env: NodeJS.ProcessEnv = process.env): Wish {
  if (given !== undefined) return { text: given, from: "--postgres" };
  const fromEnvironment = env[variable];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return { text: fromEnvironment, from: variable };
  return { text: "embedded", from: "default" };
}

/**
 * Reads `embedded`, `container`, `container:IMAGE`, a Postgres url, or the path of a directory with `initdb` and `postgres`.
 *
 * Throws {@link UsageError} for anything else; a password in it is not repeated.
 */
export function parseSpec({ text, from }: Wish): Spec {
  if (text === "embedded") return { kind: "embedded" };
  if (text === "container") return { kind: "container", image: defaultImage };
  if (text.startsWith("container:"))
    return { kind: "container", image: checkImage(text.slice("container:".length), from) };
  if (/^postgres(ql)?:\/\//i.test(text)) return { kind: "url", url: text };
  const isPath = /[/\\]/.test(text) && !/^[a-z]+:\/\//i.test(text);
  if (isPath) return { kind: "directory", bin: path.resolve(text) };
  throw new UsageError(`${from} is ${quote(text)}, which is no Postgres that raceproof knows. ${choices}`);
}

const choices =
  "Give embedded, container, container:IMAGE, postgres://USER:PASSWORD@HOST:PORT/DATABASE, or the path of a directory with initdb and postgres.";

function checkImage(image: string, from: string): string {
  if (/^[a-z0-9][\w.\-/:@]*$/i.test(image)) return image;
  throw new UsageError(
    `${from} asks for the container image ${quote(image)}, which is no image's name. Give e.g. container:${defaultImage}.`,
  );
}

/** In quotes, and without what stands where urls have their credentials. */
function quote(text: string): string {
  return JSON.stringify(text.replace(/\/\/.*@/s, "//…@"));
}
