import { styleText } from "node:util";
import { scenarios } from "../../scenarios/index.js";
import { exitCode, UsageError } from "../errors.js";
import { renderTraceTerminal } from "../report/terminal.js";
import { playScenarios, type Played, type Scenario } from "../scenario.js";
import { optional } from "./check.js";
import { lookOf } from "./terminal.js";

export interface ScenarioFlags {
  readonly implementation?: string[];
  readonly postgres?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `raceproof scenario [name]` */
export async function scenarioCommand(
  name: string | undefined,
  flags: ScenarioFlags,
  signal: AbortSignal,
): Promise<number> {
  const chosen = name === undefined ? scenarios : scenarios.filter((scenario) => scenario.name === name);
  if (chosen.length === 0)
    throw new UsageError(`there is no scenario "${name}"; there are: ${scenarios.map((each) => each.name).join(", ")}`);
  if (name === undefined && flags.all !== true && flags.implementation === undefined) {
    process.stdout.write(flags.json === true ? `${JSON.stringify(scenarios.map(summaryOf), null, 2)}\n` : listText());
    return exitCode.ok;
  }
  const played = await playScenarios(chosen, {
    ...optional({ implementations: flags.implementation, postgres: flags.postgres }),
    signal,
  });
  if (flags.json === true) process.stdout.write(`${JSON.stringify(played, null, 2)}\n`);
  else
    for (const each of played)
      process.stdout.write(
        playedText(
          chosen.find((scenario) => scenario.name === each.scenario)!,
          each,
        ),
      );
  if (signal.aborted) return exitCode.interrupted;
  return played.every(({ asExpected }) => asExpected) ? exitCode.ok : exitCode.unexpected;
}

function summaryOf({ name, title, model, ends }: Scenario) {
  return { name, title, model: model.name, ends };
}

function listText(): string {
  const lines = scenarios.map(
    ({ name, title, ends }) => `${name}\n  ${title}\n  for ${Object.keys(ends).join(", ")}\n`,
  );
  return `${lines.join("\n")}\nPlay one with: raceproof scenario NAME, all of them with: raceproof scenario --all\n`;
}

function playedText(
  { title, program }: Scenario,
  { scenario, implementation, trace, display, violations, expected, asExpected }: Played,
): string {
  const look = lookOf(process.stdout);
  const paint = (style: "bold" | "green" | "red", text: string) =>
    look.color ? styleText(style, text, { validateStream: false }) : text;
  const broken = violations.map(({ message }) => `   breaks: ${message}\n`).join("");
  const must = `   it must end in ${endingText(expected.display)}, breaking ${expected.breaks.join(", ") || "nothing"}\n`;
  return [
    ` ${paint("bold", `${scenario}, ${implementation}`)}: ${title}\n\n`,
    renderTraceTerminal({ program, trace }, look),
    `\n ${asExpected ? paint("green", "✓ ends as it must") : paint("red", "✗ does not end as it must")}: ${endingText(display)}\n`,
    broken,
    asExpected ? "" : must,
    "\n",
  ].join("");
}

function endingText(display: Readonly<Record<string, string>>): string {
  return Object.entries(display)
    .map(([column, text]) => `${column} ${text.replaceAll("\n", ", ")}`)
    .join("; ");
}
