#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { defaultExecutions } from "../check/budget.js";
import { exitCode, RaceproofError } from "../errors.js";
import { isolationNamed, isolations, type Isolation } from "../execution/model.js";
import { version } from "../version.js";
import { strategyNames } from "../strategy/named.js";
import { configure, configuredModel, settingsTable } from "./configure.js";
import { initCommand } from "./init.js";
import type { Shard } from "../explore/strands.js";
import { checkCommand, defaultFolder, type CheckFlags } from "./check.js";
import { explainCommand, type ExplainFlags } from "./explain.js";
import { doctorCommand, type DoctorFlags } from "./doctor.js";
import { exportCommand, type ExportFlags } from "./export.js";
import { listCommand, type ListFlags } from "./list.js";
import { mergeCommand, type MergeFlags } from "./merge.js";
import { replayCommand, type ReplayFlags } from "./replay.js";
import { reporterNames } from "./reporters.js";
import { showCommand, showFormats, type ShowFlags } from "./show.js";
import { specCommand, type SpecFlags } from "./spec.js";
import { scenarioCommand, type ScenarioFlags } from "./scenario.js";

const postgresHelp =
  "embedded, container[:image], postgres://… or a directory with Postgres' programs (default: RACEPROOF_POSTGRES, else embedded)";

function whole(least: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be a whole number, at least ${least}.`);
    return value;
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("It must be a number of seconds above 0.");
  return value;
}

function shard(text: string): Shard {
  const [number, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).slice(1).map(Number);
  if (number === undefined || of === undefined || number < 1 || number > of)
    throw new InvalidArgumentError("It must be like 3/8: the third of eight.");
  return { number, of };
}

function several(value: string, before: string[] = []): string[] {
  return [...before, ...value.split(",").map((each) => each.trim())];
}

function isolation(text: string, before: Isolation[] = []): Isolation[] {
  return [...before, ...text.split(",").map(levelOf)];
}

function levelOf(text: string): Isolation {
  const level = isolationNamed(text);
  if (level === undefined) throw new InvalidArgumentError(`It must be one of: ${isolations.join(", ")}.`);
  return level;
}

const toBegin = `
To begin:
  raceproof init      writes a configuration, and a model to begin with; raceproof check then finds its race
  raceproof doctor    tries out Postgres, which comes with the package
  A race test is import { raceTest } from "raceproof/vitest", or for other runners { assertNoRace } from "raceproof".
  The tutorial is node_modules/raceproof/docs/tutorial.md, ten minutes.`;

function program(done: (code: number) => void, signal: AbortSignal): Command {
  const root = new Command("raceproof")
    .description(
      "Finds races in code that talks to Postgres: runs it on a real Postgres, decides which statement goes next, and shrinks what breaks.",
    )
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "raceproof: ")) });
  root.addHelpText("after", toBegin);
  root.hook("preAction", (_, command) => configure(command));
  root
    .command("check")
    .description("hold a model's implementations to what they are expected to do")
    .argument(
      "[model]",
      "a model that ships with raceproof, or a module whose default export is one (default: `model` of the configuration, else dashboard-sync)",
    )
    .option("-i, --implementation <name>", "only this implementation; may be repeated", several)
    .option("--isolation <level>", "read committed, repeatable read or serializable; may be repeated", isolation)
    .option("--faults", "only with faults: crashes, lost answers, 40001 and 40P01, as far as the model has them")
    .option("--no-faults", "only without")
    .option("--strategy <name>", `how orders are searched: ${strategyNames} (default: portfolio)`)
    .option("--seed <text>", "the same seed gives the same programs, schedules and verdict (default: raceproof)")
    .option(
      "--executions <number>",
      `executions for each implementation and condition (default: ${defaultExecutions.most}, fewer where there are many, or as many as fit into --time)`,
      whole(1),
    )
    .option(
      "--time <seconds>",
      "for exploring everything; what is expected to hold gets most of it; shrinking what was found comes on top",
      seconds,
    )
    .option(
      "--shrink-time <seconds>",
      "for shrinking what was found, shared in the same way; what is not the smallest by then says so",
      seconds,
    )
    .option("--lanes <number>", "executions under way at once (default: two per processor, 2 to 8)", whole(1))
    .option("--postgres <what>", postgresHelp)
    .option("--json <file>", "write the verdict as JSON; - for standard output")
    .option(
      "--reporter <name>",
      `how results are told, NAME or NAME=FILE; may be repeated: ${reporterNames} (default: terminal; in GitHub's workflows github and summary, too)`,
      several,
    )
    .option("--reports <folder>", "where counterexamples, the verdict and the page are written", "reports")
    .option(
      "--counterexamples <folder>",
      `where what was found is remembered, to be replayed first the next time (default: ${defaultFolder}; for models that ship with raceproof: nowhere)`,
    )
    .option("--no-counterexamples", "remember nothing, replay nothing")
    .option("--shard <number/of>", "do one part of the check, e.g. 3/8; `raceproof merge` joins the parts", shard)
    .option(
      "--checkpoint <file>",
      "write down how far it is, and go on from there when begun again with the same options; removed at the end",
    )
    .action(async (model: string | undefined, flags: CheckFlags) =>
      done(await checkCommand(model ?? (await configuredModel()) ?? "dashboard-sync", flags, signal)),
    );
  root
    .command("init")
    .description("write a configuration, and a model to begin with that finds a race")
    .action(async () => done(await initCommand()));
  root
    .command("settings")
    .description(
      "print every flag with its key in the configuration and its environment variable, as a table in Markdown",
    )
    .action(() => void process.stdout.write(settingsTable(root)));
  root
    .command("show")
    .description("open the page of a report or a counterexample, or print where it is")
    .argument("<file>", "a counterexample, a verdict, a page, or the folder that they are in")
    .addOption(
      new Option("--format <name>", "html writes a page; terminal and markdown print it (default: html)").choices(
        showFormats,
      ),
    )
    .option("--all-steps", "as text, with the steps that change nothing; they are folded otherwise")
    .option("--output <file>", "where to write it (default: a page beside what it shows, text to standard output)")
    .option("--open", "open it in a browser (default: where there is a screen)")
    .option("--no-open", "only print where it is")
    .action(async (what: string, flags: ShowFlags) => done(await showCommand(what, flags)));
  root
    .command("merge")
    .description("join the verdicts of all shards of a check into one")
    .argument("<file...>", "what `check --shard … --json FILE` wrote, one for each shard")
    .option("--json <file>", "write the verdict as JSON; - for standard output")
    .option("--reporter <name>", `how results are told, NAME or NAME=FILE; may be repeated: ${reporterNames}`, several)
    .option("--reports <folder>", "where counterexamples, the verdict and the page are written", "reports")
    .option("--counterexamples <folder>", "where what was found is remembered, as for check")
    .option("--no-counterexamples", "remember nothing")
    .option(
      "--no-shrink",
      "only join what the shards have shrunk themselves, without model and Postgres; default: shrink what they found as one run does",
    )
    .option("--shrink-time <seconds>", "for that, as for check", seconds)
    .option("--lanes <number>", "executions under way at once, as for check", whole(1))
    .option("--postgres <what>", postgresHelp)
    .option("--model <file>", "the model, if it is no longer where it was")
    .action(async (files: string[], flags: MergeFlags) => done(await mergeCommand(files, flags, signal)));
  root
    .command("list")
    .description("show the counterexamples that are remembered, and replay them to say whether they still break")
    .option("--counterexamples <folder>", "where they are", defaultFolder)
    .option("--no-replay", "do not run anything")
    .option("--postgres <what>", postgresHelp)
    .option("--model <file>", "the model, if it is no longer where it was")
    .option("--json", "print as JSON")
    .action(async (flags: ListFlags) => done(await listCommand(flags, signal)));
  root
    .command("replay")
    .description("run a counterexample again, and compare it step by step with the record")
    .argument("<file>", "a counterexample")
    .option("--times <number>", "how often", whole(1), 1)
    .option("--guided", "where the code has changed, follow the record as far as it makes sense")
    .option("--pause-at <step>", "stop before this step, with everything as it is, and say how to look at it", whole(1))
    .option("--postgres <what>", postgresHelp)
    .option("--model <file>", "the model, if it is no longer where it was")
    .option("--json", "print the outcome as JSON")
    .action(async (file: string, flags: ReplayFlags) => done(await replayCommand(file, flags, signal)));
  root
    .command("explain")
    .description("say of two steps of a counterexample why their order matters, or that it does not")
    .argument("<file>", "a counterexample")
    .argument("<step>", "number of a step, from 1, as reports show it", whole(1))
    .argument("<other>", "number of the other step", whole(1))
    .option("--postgres <what>", postgresHelp)
    .option("--model <file>", "the model, if it is no longer where it was")
    .option("--json", "print as JSON")
    .action(async (file: string, step: number, other: number, flags: ExplainFlags) =>
      done(await explainCommand(file, [step, other], flags)),
    );
  root
    .command("scenario")
    .description("list the named timelines, or play them")
    .argument("[name]", "which one")
    .option("-i, --implementation <name>", "only this implementation; may be repeated", several)
    .option("--all", "play every one of them")
    .option("--postgres <what>", postgresHelp)
    .option("--json", "print as JSON")
    .action(async (name: string | undefined, flags: ScenarioFlags) => done(await scenarioCommand(name, flags, signal)));
  root
    .command("spec")
    .description("run PostgreSQL's isolation spec files: the permutations that they list, or all there are")
    .argument("<file...>", "spec files, in the format of PostgreSQL's src/test/isolation")
    .addOption(
      new Option(
        "--strategy <name>",
        "permutations (those listed, or all where none are), all, or exhaustive (one for all that differ only by steps that commute)",
      )
        .choices(["permutations", "all", "exhaustive"])
        .default("permutations"),
    )
    .addOption(
      new Option("--format <name>", "isolationtester prints what Postgres' own isolationtester prints")
        .choices(["terminal", "isolationtester", "json"])
        .default("terminal"),
    )
    .option("--json", "the same as --format json")
    .option("--lanes <number>", "permutations under way at once, where that changes nothing", whole(1), 4)
    .option("--postgres <what>", postgresHelp)
    .action(async (files: string[], flags: SpecFlags) => done(await specCommand(files, flags, signal)));
  root
    .command("export")
    .description("write a counterexample as SQL, for anyone with Postgres alone, or as a test")
    .argument("<file>", "a counterexample")
    .addOption(
      new Option(
        "--format <name>",
        "spec (for PostgreSQL's isolationtester), psql (what to type into which terminal), or test (for vitest)",
      )
        .choices(["spec", "psql", "test"])
        .default("spec"),
    )
    .option("--output <file>", "where to write it; - for standard output", "-")
    .option("--model <file>", "the model, if it is no longer where it was")
    .action(async (file: string, flags: ExportFlags) => done(await exportCommand(file, flags)));
  root
    .command("doctor")
    .description("say what was found, what would be used, and what is missing")
    .option("--postgres <what>", postgresHelp)
    .option("--json", "print the findings as JSON")
    .action(async (flags: DoctorFlags) => done(await doctorCommand(flags)));
  return root;
}

/** The first signal ends the work in order, with what was found so far; the second ends it at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    controller.abort();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop).on("SIGHUP", stop);
  return controller.signal;
}

async function main(): Promise<number> {
  let code: number = exitCode.ok;
  try {
    await program((result) => (code = result), interruption()).parseAsync();
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    if (error instanceof RaceproofError) {
      process.stderr.write(`raceproof: ${error.message}\n`);
      return error.exitCode;
    }
    process.stderr.write(
      `raceproof: this is a bug in raceproof, please report it.\n${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return exitCode.inconclusive;
  }
}

// Whoever reads our output may have seen enough (`| head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

process.exitCode = await main();
// A model may have left a timer or a connection of its own behind, for which nobody waits.
process.stdout.write("", () => process.exit());
