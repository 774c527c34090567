import path from "node:path";
import { fileURLToPath } from "node:url";

/** A place in the user's code. */
export interface Place {
  readonly file: string;
  readonly line: number;
  /** The stack from there on, as lines. */
  readonly stack: string;
}

/** The folder of our own sources. */
const ours = fileURLToPath(new URL("..", import.meta.url));

/** Where the code is that called us; undefined where the stack does not tell. */
export function callerOf(): Place | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const lines = new Error("here").stack?.split("\n").slice(1) ?? [];
  Error.stackTraceLimit = limit;
  const first = lines.findIndex((line) => isTheirs(line));
  const [, url, number] =
    /\(?((?:file:\/\/|[A-Za-z]:\\|\/)[^()]*?)(?:\?[^:]*)?:(\d+):\d+\)?$/.exec(lines[first] ?? "") ?? [];
  if (url === undefined) return undefined;
  const file = url.startsWith("file://") ? fileURLToPath(url) : url;
  return { file, line: Number(number), stack: lines.slice(first).join("\n") };
}

function isTheirs(line: string): boolean {
  const isFile = /(file:\/\/|\/|[A-Za-z]:\\).*:\d+:\d+\)?$/.test(line);
  return isFile && !line.includes("node:") && !line.replace("file://", "").includes(ours);
}

/** A file as seen from the working directory. */
export function fromHere(file: string): string {
  return path.relative(process.cwd(), file).replaceAll(path.sep, "/");
}
