import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { exitCode, UsageError } from "../errors.js";
import type { VerdictFile } from "../explore/verdict.js";
import { readCounterexample } from "../report/counterexample-file.js";
import { renderHtml } from "../report/html/page.js";
import { renderCounterexampleMarkdown } from "../report/markdown.js";
import { renderReportTerminal } from "../report/report-terminal.js";
import { renderVerdictMarkdown } from "../report/verdict-markdown.js";
import type { Report, Told } from "../report/report.js";
import { codeUrlOf } from "./code-url.js";
import { read } from "./open-counterexample.js";
import { pageFile } from "./reporters.js";
import { lookOf, replayCommandOf } from "./terminal.js";
import { withFound } from "../store/found.js";
import { writeWhole } from "../store/write.js";

/** How `show` tells what it shows. */
export const showFormats = ["html", "terminal", "markdown"] as const;

export interface ShowFlags {
  /** Default: a page. */
  readonly format?: (typeof showFormats)[number];
  /** Whether a text has also the steps that tell nothing. */
  readonly allSteps?: boolean;
  /** Where the page is written; default: beside what it shows. */
  readonly output?: string;
  /** Whether to open it; default: where there is somebody to look at it. */
  readonly open?: boolean;
}

/** `raceproof show FILE|FOLDER` */
export async function showCommand(what: string, flags: ShowFlags): Promise<number> {
  if (flags.format === "terminal" || flags.format === "markdown" || flags.allSteps === true) return tell(what, flags);
  const page = what.endsWith(".html")
    ? what
    : (await isFolder(what))
      ? await folderPage(what, flags)
      : await filePage(what, flags);
  if (!existsSync(page)) throw new UsageError(`there is no file ${page}`);
  process.stdout.write(`${page}\n`);
  if (flags.open ?? hasViewer()) open(path.resolve(page));
  return exitCode.ok;
}

/** As text: to standard output, or to a file. */
async function tell(what: string, { format, output, allSteps = false }: ShowFlags): Promise<number> {
  const { verdict, counterexamples } = (await isFolder(what)) ? await folderReport(what) : await fileReport(what);
  const look = { ...lookOf(process.stdout), ...(output === undefined ? {} : { color: false }), allSteps };
  const text =
    format === "markdown"
      ? [
          ...(verdict === null ? [] : [renderVerdictMarkdown(verdict)]),
          ...counterexamples.map(({ counterexample, replayCommand }) =>
            renderCounterexampleMarkdown(counterexample, { replayCommand, allSteps }),
          ),
        ].join("\n")
      : renderReportTerminal({ verdict, counterexamples }, look);
  if (output === undefined) process.stdout.write(text);
  else await writeWhole(path.resolve(output), text);
  return exitCode.ok;
}

async function isFolder(what: string): Promise<boolean> {
  return (await stat(path.resolve(what)).catch(() => undefined))?.isDirectory() === true;
}

async function filePage(file: string, { output }: ShowFlags): Promise<string> {
  const report = await fileReport(file);
  const page = output ?? file.replace(/\.json$/u, "") + ".html";
  await writeWhole(path.resolve(page), renderHtml(report, { code: codeUrlOf(page) }));
  return page;
}

/** A counterexample, or a verdict with the counterexamples that it names, beside it or where it says that they are. */
async function fileReport(file: string): Promise<Report> {
  const text = await read(file);
  const verdict = verdictOf(text);
  const told = verdict === undefined ? [await toldOf(text, file)] : await toldBy(verdict, path.dirname(file));
  return { verdict: verdict ?? null, counterexamples: told };
}

async function toldBy({ implementations }: VerdictFile, folder: string): Promise<Told[]> {
  const named = new Set(
    implementations.flatMap(({ violations }) => violations.flatMap(({ counterexample }) => counterexample ?? [])),
  );
  const beside = await toldIn(folder);
  if (named.size === 0) return beside;
  const names = new Set([...named].map((name) => path.basename(name)));
  const found = beside.filter(({ file }) => names.has(path.basename(file)));
  const missing = [...named].filter((name) => !found.some(({ file }) => path.basename(file) === path.basename(name)));
  const elsewhere = await Promise.all(
    missing.map(async (file) => {
      const text = await readFile(path.resolve(file), "utf8").catch(() => undefined);
      return text === undefined ? [] : [await toldOf(text, file)];
    }),
  );
  return [...found, ...elsewhere.flat()];
}

/** The page that a check has written there, else one of all the counterexamples and the verdict that are there. */
async function folderPage(folder: string, { output }: ShowFlags): Promise<string> {
  const names = await readdir(path.resolve(folder));
  const [page] = names.filter((name) => name.endsWith(".html"));
  if (page !== undefined && output === undefined) return path.join(folder, page);
  const report = await folderReport(folder);
  const model = report.verdict?.model ?? report.counterexamples[0]!.counterexample.model.name;
  const file = output ?? pageFile(folder, model);
  await writeWhole(path.resolve(file), renderHtml(report, { code: codeUrlOf(file) }));
  return file;
}

/** All the counterexamples and the verdict that are there. */
async function folderReport(folder: string): Promise<Report> {
  const names = await readdir(path.resolve(folder));
  const counterexamples = await toldIn(folder);
  const verdicts = await Promise.all(
    names.filter((name) => name.endsWith(".json")).map(async (name) => verdictOf(await read(path.join(folder, name)))),
  );
  const verdict = verdicts.find((each) => each !== undefined) ?? null;
  if (counterexamples.length === 0 && verdict === null)
    throw new UsageError(`${folder} has neither a report nor a counterexample in it`);
  return { verdict, counterexamples };
}

/** Every counterexample in a folder, and in the folder of that name inside of it. */
async function toldIn(folder: string): Promise<Told[]> {
  const told: Told[] = [];
  for (const place of [folder, path.join(folder, "counterexamples")]) {
    const names = await readdir(path.resolve(place)).catch(() => []);
    for (const name of names.filter((each) => each.endsWith(".json")).toSorted()) {
      const file = path.join(place, name);
      const text = await readFile(path.resolve(file), "utf8");
      if (/"raceproof\/counterexample@/u.test(text.slice(0, 200))) told.push(await toldOf(text, file));
    }
  }
  return told;
}

async function toldOf(text: string, file: string): Promise<Told> {
  const counterexample = await withFound(readCounterexample(text, file), file);
  return { counterexample, file, replayCommand: replayCommandOf(file) };
}

function verdictOf(text: string): VerdictFile | undefined {
  if (!/"raceproof\/verdict@1"/u.test(text.slice(0, 200))) return undefined;
  return JSON.parse(text) as VerdictFile;
}

/** Whether there is a screen, and somebody in front of it. */
function hasViewer(): boolean {
  const { CI, DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (CI !== undefined && CI !== "" && CI !== "false") return false;
  if (!process.stdout.isTTY) return false;
  return process.platform !== "linux" || Boolean(DISPLAY ?? WAYLAND_DISPLAY);
}

function open(file: string): void {
  const [program, ...before] = { darwin: ["open"], win32: ["cmd", "/c", "start", ""] }[process.platform as string] ?? [
    "xdg-open",
  ];
  const child = spawn(program!, [...before, file], { detached: true, stdio: "ignore" });
  // Where there is no such program, the path stands on the terminal.
  child.on("error", () => undefined);
  child.unref();
}
