import { appendFile } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "../errors.js";
import { verdictFileName } from "../report/counterexample-file.js";
import { renderHtml } from "../report/html/page.js";
import { renderComment, renderJobSummary } from "../report/bounded-markdown.js";
import { renderAgent } from "../report/machine/agent.js";
import { renderGitHub, withoutCommands } from "../report/machine/github.js";
import { renderJsonLines } from "../report/machine/json-lines.js";
import { renderJUnit } from "../report/machine/junit.js";
import { renderSarif } from "../report/machine/sarif.js";
import type { Report } from "../report/report.js";
import { renderReportTerminal } from "../report/report-terminal.js";
import { codeUrlOf } from "./code-url.js";
import { lookOf } from "./terminal.js";
import { writeVerdict } from "../store/verdict-file.js";
import { writeWhole } from "../store/write.js";

/** A format, and where it goes. */
export interface Reporter {
  readonly name: ReporterName;
  /** `-` is standard output; undefined for where such reports usually go. */
  readonly file: string | undefined;
}

type ReporterName = keyof typeof renderers;

const renderers = {
  terminal: (report: Report) => renderReportTerminal(report, lookOf(process.stdout)),
  html: (report: Report, file: string) => renderHtml(report, { code: codeUrlOf(file) }),
  summary: (report: Report) => renderJobSummary(report),
  comment: (report: Report) => renderComment(report),
  junit: renderJUnit,
  sarif: renderSarif,
  github: renderGitHub,
  json: ({ verdict, counterexamples }: Report) =>
    verdict === null
      ? ""
      : writeVerdict({ verdict, counterexamples: counterexamples.map(({ counterexample }) => counterexample) }),
  jsonl: renderJsonLines,
  agent: renderAgent,
};

export const reporterNames = Object.keys(renderers).join(", ");

/** What must have standard output to itself, so that it can be read by a program. */
const whole: readonly ReporterName[] = ["junit", "sarif", "json", "jsonl", "html", "comment"];

/**
 * Reads what `--reporter` says: `NAME` or `NAME=FILE`.
 *
 * @throws {UsageError} When there is no such reporter.
 */
export function reporterOf(text: string): Reporter {
  const [name = "", ...rest] = text.split("=");
  if (!Object.hasOwn(renderers, name))
    throw new UsageError(`there is no reporter "${name}"; there are: ${reporterNames}`);
  const file = rest.join("=");
  return { name: name as ReporterName, file: file === "" ? undefined : file };
}

/**
 * The reporters to use: those asked for, or what the environment suggests. In GitHub's workflows that is the terminal's report
 * in the log, annotations, and the summary of the job. The page is always written.
 *
 * @param asked.json What `--json` says: the same as `--reporter json=FILE`, beside what is usual.
 * @throws {UsageError} When two of them would write into each other on standard output, or one has nowhere to go.
 */
export function reportersOf(
  { reporter, json }: { readonly reporter?: readonly string[]; readonly json?: string },
  env: NodeJS.ProcessEnv,
): Reporter[] {
  const named = reporter?.map(reporterOf).map((each) => placed(each, env)) ?? (json === "-" ? [] : usual(env));
  const page: Reporter[] = named.some(({ name }) => name === "html") ? [] : [{ name: "html", file: undefined }];
  const reporters = [...page, ...named, ...(json === undefined ? [] : [{ name: "json" as const, file: json }])];
  const out = reporters.filter(({ name, file }) => isStandardOutput(name, file));
  const alone = out.find(({ name }) => whole.includes(name));
  if (alone !== undefined && out.length > 1)
    throw new UsageError(
      `"${alone.name}" and "${out.find((each) => each !== alone)!.name}" would both write to standard output; name a file, as in --reporter ${alone.name}=FILE`,
    );
  return reporters;
}

function usual(env: NodeJS.ProcessEnv): Reporter[] {
  const terminal: Reporter = { name: "terminal", file: undefined };
  if (env["GITHUB_ACTIONS"] !== "true") return [terminal];
  const summary = env["GITHUB_STEP_SUMMARY"];
  return [
    terminal,
    { name: "github", file: undefined },
    ...(summary === undefined || summary === "" ? [] : [{ name: "summary" as const, file: summary }]),
  ];
}

/** A summary goes to the job's own, where there is one. */
function placed(reporter: Reporter, env: NodeJS.ProcessEnv): Reporter {
  if (reporter.name !== "summary" || reporter.file !== undefined) return reporter;
  return { ...reporter, file: env["GITHUB_STEP_SUMMARY"] || "-" };
}

/** The page is a file unless standard output is asked for. */
function isStandardOutput(name: ReporterName, file: string | undefined): boolean {
  return file === "-" || (file === undefined && name !== "html");
}

/** Where the page is written where nobody says. */
export function pageFile(folder: string, model: string): string {
  return path.join(folder, verdictFileName(model).replace(/\.verdict\.md$/u, ".html"));
}

/** Whether it is for people to read in the log of one of GitHub's jobs. */
function isForLog(name: ReporterName): boolean {
  return process.env["GITHUB_ACTIONS"] === "true" && (name === "terminal" || name === "agent");
}

/** Writes every report; those to files first, so that nothing is lost whatever becomes of the terminal. */
export async function writeReports(report: Report, reporters: readonly Reporter[], page: string): Promise<void> {
  const out = (each: Reporter) => Number(isStandardOutput(each.name, each.file));
  for (const { name, file } of reporters.toSorted((a, b) => out(a) - out(b))) {
    const text = renderers[name](report, file ?? page);
    if (isStandardOutput(name, file)) process.stdout.write(isForLog(name) ? withoutCommands(text) : text);
    // What other steps of a job have written there stays.
    else if (name === "summary" && file === process.env["GITHUB_STEP_SUMMARY"]) await appendFile(file!, text);
    else await writeWhole(path.resolve(file ?? page), text);
  }
}
