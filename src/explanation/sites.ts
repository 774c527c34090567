import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Site, Source } from "./explanation.js";

/** raceproof's own code, with what it brings along. */
const own = fileURLToPath(new URL("..", import.meta.url));
/** The models that it ships go by the package's name, wherever that is installed. */
const home = fileURLToPath(new URL("../../", import.meta.url));
const shipped = path.join(home, "models/");
const homeName = "raceproof/";

/** Lines shown before a place, and after it. */
const around = 4;

/**
 * The innermost frame of a stack that is code of the project: neither Node's, nor raceproof's, nor that of a package. A file
 * outside of the folder has no name that would be the same elsewhere, so it is none of the project's.
 *
 * @param stack In V8's words.
 * @param folder What file names are to be relative to.
 */
export function siteOf(stack: string | undefined, folder = process.cwd()): Site | null {
  for (const line of stack?.split("\n") ?? []) {
    const [, name, place, number] =
      /^\s+at (?:async )?(?:(.+?) \()?((?:file:\/\/)?\/[^)]*?):(\d+):\d+\)?$/.exec(line) ?? [];
    if (place === undefined) continue;
    const absolute = place.startsWith("file://") ? fileURLToPath(place) : place;
    const file = nameOf(absolute, folder);
    if (file !== null) return { file, line: Number(number), function: functionOf(name) };
  }
  return null;
}

function nameOf(absolute: string, folder: string): string | null {
  if (absolute.startsWith(own)) return null;
  const relative = path.relative(folder, absolute).split(path.sep);
  const isOutside = relative[0] === ".." || path.isAbsolute(relative.join(path.sep));
  if (absolute.startsWith(shipped) && (isOutside || relative.includes("node_modules")))
    return homeName + path.relative(home, absolute).split(path.sep).join("/");
  return isOutside || relative.includes("node_modules") ? null : relative.join("/");
}

/** `Object.run` and `new Thing` are of use; `<anonymous>` is not. */
function functionOf(name: string | undefined): string | null {
  const plain = name?.replace(/ \[as .*\]$/, "").replace(/^(?:Object|Function|Module)\./, "");
  return plain === undefined || plain === "" || plain.includes("<anonymous>") ? null : plain;
}

/** The lines around each place, as the files are now; those that overlap as one. Files that cannot be read are left out. */
export function sourcesOf(sites: readonly (Site | null)[], folder = process.cwd()): Source[] {
  const lines = new Map<string, Set<number>>();
  for (const site of sites) {
    if (site === null) continue;
    const wanted = lines.get(site.file) ?? new Set();
    for (let line = Math.max(1, site.line - around); line <= site.line + around; line++) wanted.add(line);
    lines.set(site.file, wanted);
  }
  return [...lines].flatMap(([file, wanted]) =>
    excerptsOf(
      file,
      [...wanted].toSorted((a, b) => a - b),
      folder,
    ),
  );
}

function excerptsOf(file: string, wanted: readonly number[], folder: string): Source[] {
  const all = linesOf(
    file.startsWith(homeName) ? path.join(home, file.slice(homeName.length)) : path.join(folder, file),
  );
  const excerpts: { file: string; from: number; lines: string[] }[] = [];
  for (const number of wanted) {
    const text = all[number - 1];
    if (text === undefined) break;
    const last = excerpts.at(-1);
    if (last !== undefined && last.from + last.lines.length === number) last.lines.push(text);
    else excerpts.push({ file, from: number, lines: [text] });
  }
  return excerpts;
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split(/\r?\n/);
  } catch {
    return [];
  }
}
