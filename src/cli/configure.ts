import { InvalidArgumentError, type Command, type Option } from "commander";
import { loadConfig, type FoundConfig } from "../config/config.js";
import { variableOf } from "../config/keys.js";
import { UsageError } from "../errors.js";

/** Gives the options of a command that its line leaves open the values of environment variables, else of the configuration. */
export async function configure(command: Command): Promise<void> {
  if (command.options.length === 0) return;
  const found = await loadConfig();
  const name = command.name();
  for (const option of settable(command)) {
    const key = option.attributeName();
    const source = command.getOptionValueSource(key);
    if (source !== undefined && source !== "default") continue;
    const variable = variableOf(name, key);
    const text = process.env[variable];
    // Whoever opens the server looks there, too, and names it when it is wrong.
    if (key === "postgres" && text) continue;
    if (text !== undefined && text !== "")
      command.setOptionValueWithSource(key, fromText(kindOf(command, option), variable, text), "env");
    else set(command, option, found);
  }
}

/** The model to check when the line names none. */
export async function configuredModel(): Promise<string | undefined> {
  return process.env[variableOf("check", "model")] || (await loadConfig())?.config.model;
}

function set(command: Command, option: Option, found: FoundConfig | undefined): void {
  const key = option.attributeName();
  const name = command.name();
  const { [name]: section } = (found?.config ?? {}) as Record<string, Record<string, unknown> | undefined>;
  const isTop = name === "check" || key === "postgres";
  const value = isTop ? (found?.config as Record<string, unknown> | undefined)?.[key] : section?.[key];
  if (found === undefined || value === undefined) return;
  const where = `\`${isTop ? key : `${name}.${key}`}\` in ${found.file}`;
  command.setOptionValueWithSource(key, fromConfig(kindOf(command, option), where, value), "config");
}

/** Those with a key of their own: of `--faults` and `--no-faults` the first, of a `--no-replay` alone that. */
function settable(command: Command): readonly Option[] {
  const positive = new Set(command.options.filter(({ negate }) => !negate).map((option) => option.attributeName()));
  return command.options.filter((option) => !option.negate || !positive.has(option.attributeName()));
}

/** What may be said of an option: what it takes, and whether true and false may be. */
interface Kind {
  readonly option: Option;
  readonly takesValue: boolean;
  readonly takesFalse: boolean;
}

function kindOf(command: Command, option: Option): Kind {
  const takesValue = option.required || option.optional;
  const isNegatable = command.options.some((other) => other.negate && other.attributeName() === option.attributeName());
  return { option, takesValue, takesFalse: !takesValue || isNegatable };
}

function fromConfig({ option, takesValue, takesFalse }: Kind, where: string, value: unknown): unknown {
  if (value === false && takesFalse) return false;
  if (!takesValue) {
    if (value === true) return true;
    throw new UsageError(`${where} must be true or false, and is ${JSON.stringify(value)}`);
  }
  const texts = [value].flat();
  const wrong = texts.find((each) => typeof each !== "string" && typeof each !== "number");
  if (wrong !== undefined) throw new UsageError(`${where} must be a text or a number, and is ${JSON.stringify(wrong)}`);
  return parsed(option, where, texts.map(String));
}

function fromText({ option, takesValue, takesFalse }: Kind, variable: string, text: string): unknown {
  if (takesFalse && /^(0|false|no|off)$/i.test(text)) return false;
  if (takesValue) return parsed(option, variable, [text]);
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  throw new UsageError(`${variable} must be true or false, and is ${JSON.stringify(text)}`);
}

/** As the command line is: by the same function. */
function parsed(option: Option, where: string, texts: readonly string[]): unknown {
  try {
    return texts.reduce<unknown>(
      (before, text) => (option.parseArg === undefined ? text : option.parseArg(text, before as never)),
      undefined,
    );
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new UsageError(`${where} is wrong: ${error.message}`);
    throw error;
  }
}

/** The table of all settings, as the documentation has it. */
export function settingsTable(root: Command): string {
  const rows = root.commands.flatMap((command) =>
    settable(command).map((option) => {
      const key = option.attributeName();
      const name = command.name();
      const place = name === "check" || key === "postgres" ? key : `${name}.${key}`;
      return { name, flags: option.flags, key: place, variable: variableOf(name, key), text: option.description };
    }),
  );
  const lines = rows.map(
    ({ name, flags, key, variable, text }) =>
      `| \`${name}\` | \`${flags.replaceAll("|", "\\|")}\` | \`${key}\` | \`${variable}\` | ${text.replaceAll("|", "\\|")} |`,
  );
  return ["| command | flag | key | variable | what it is |", "| --- | --- | --- | --- | --- |", ...lines, ""].join(
    "\n",
  );
}
