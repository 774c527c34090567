import { exitCode } from "../errors.js";
import type { PostgresServer } from "../postgres/server.js";
import { countInterleavings } from "../spec/interleavings.js";
import { parseSpecFile, type ParsedSpec } from "../spec/parse.js";
import type { PermutationRun } from "../spec/run-permutation.js";
import { runSpec } from "../spec/run.js";
import { permutationData, Summing, summaryText } from "../spec/summary.js";
import { exhaustive } from "../strategy/exhaustive.js";
import { withServer } from "../with-server.js";
import { read } from "./open-counterexample.js";
import { ProgressLine } from "./terminal.js";

export interface SpecFlags {
  readonly postgres?: string;
  readonly strategy: "permutations" | "all" | "exhaustive";
  readonly format: "isolationtester" | "terminal" | "json";
  readonly lanes: number;
  readonly json?: boolean;
}

/** `raceproof spec FILE...` */
export async function specCommand(files: readonly string[], flags: SpecFlags, signal: AbortSignal): Promise<number> {
  const specs = await Promise.all(files.map(async (file) => ({ file, parsed: parseSpecFile(await read(file), file) })));
  const printer = printers[flags.json === true ? "json" : flags.format]();
  const codes: number[] = [];
  await withServer(flags.postgres, async (server) => {
    for (const { file, parsed } of specs) codes.push(await runOne(server, file, parsed, flags, printer, signal));
    printer.end(server);
  });
  return signal.aborted ? exitCode.interrupted : Math.max(...codes);
}

/** One way of showing what comes of specs. */
interface Printer {
  begin(file: string, parsed: ParsedSpec): void;
  permutation(run: PermutationRun): void;
  /** Whether all orders, of so many, were run or are like others that were. */
  searched(exhausted: boolean, orders: number | bigint): void;
  finish(): void;
  end(server: PostgresServer): void;
}

async function runOne(
  server: PostgresServer,
  file: string,
  parsed: ParsedSpec,
  { strategy, lanes }: SpecFlags,
  printer: Printer,
  signal: AbortSignal,
): Promise<number> {
  const { spec, unused } = parsed;
  for (const name of unused) process.stderr.write(`unused step name: ${name}\n`);
  printer.begin(file, parsed);
  const listed = strategy === "permutations" && spec.permutations.length > 0;
  const total = listed ? spec.permutations.length : countInterleavings(spec);
  const progress = new ProgressLine();
  let code: number = exitCode.ok;
  let done = 0;
  let estimate: number | undefined;
  const options = {
    name: file,
    strategy: strategy === "exhaustive" ? exhaustive : strategy,
    lanes,
    signal,
    onEstimate: (permutations: number | undefined) => (estimate = permutations),
    onSearched: (exhausted: boolean) => printer.searched(exhausted, total),
  };
  for await (const run of runSpec(server, spec, options)) {
    const of = estimate === undefined ? total : `about ${estimate}, which stand for ${total}`;
    progress.show(`${file}: permutation ${++done} of ${of}`);
    progress.clear();
    printer.permutation(run);
    for (const complaint of run.complaints) process.stderr.write(`${complaint}\n`);
    if (run.failure !== undefined) process.stderr.write(`raceproof: ${file}: ${run.failure}\n`);
    // Of all interleavings some may be impossible, but nobody lists such a one on purpose.
    if (listed && run.cancelled.length > 0) code = Math.max(code, exitCode.unexpected);
    if (run.failure !== undefined) code = exitCode.usage;
  }
  printer.finish();
  return code;
}

const printers: Readonly<Record<SpecFlags["format"], () => Printer>> = {
  isolationtester: () => ({
    begin: (_, { spec }) => void process.stdout.write(`Parsed test spec with ${spec.sessions.length} sessions\n`),
    permutation: ({ text }) => void process.stdout.write(text),
    searched: () => undefined,
    finish: () => undefined,
    end: () => undefined,
  }),
  terminal: () => {
    let name = "";
    let summing: Summing;
    let claim = "";
    return {
      begin: (file, { spec }) => {
        name = file;
        summing = new Summing(spec);
        claim = "";
      },
      permutation: (run) => summing.add(run),
      searched: (exhausted, orders) =>
        (claim = exhausted ? `  which stand for all ${orders.toLocaleString("en-US")} orders\n` : ""),
      finish: () => void process.stdout.write(summaryText(name, summing.summary).replace("\n", `\n${claim}`)),
      end: ({ version, kind }) => void process.stdout.write(`Postgres ${version} (${kind})\n`),
    };
  },
  json: () => {
    const files: { file: string; summing: Summing; permutations: unknown[]; exhausted?: boolean }[] = [];
    return {
      begin: (file, { spec }) => void files.push({ file, summing: new Summing(spec), permutations: [] }),
      permutation: (run) => {
        const last = files.at(-1)!;
        last.summing.add(run);
        last.permutations.push(permutationData(run));
      },
      searched: (exhausted) => void (files.at(-1)!.exhausted = exhausted),
      finish: () => undefined,
      end: ({ version, kind }) => {
        const specs = files.map(({ summing, permutations, ...rest }) => ({
          ...rest,
          summary: summing.summary,
          permutations,
        }));
        process.stdout.write(`${JSON.stringify({ postgres: { version, kind }, specs }, null, 2)}\n`);
      },
    };
  },
};
