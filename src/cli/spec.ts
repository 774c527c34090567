import { readFile } from "node:fs/promises";
import { exitCode, UsageError } from "../errors.js";
import { parseSpecFile } from "../spec/parse.js";
import { runSpec } from "../spec/run.js";
import { withServer } from "../with-server.js";

export interface SpecFlags {
  readonly postgres?: string;
  readonly strategy: "permutations" | "all";
  readonly format: "isolationtester" | "terminal" | "json";
  readonly lanes: number;
}

/** `raceproof spec FILE...` */
export async function specCommand(files: readonly string[], flags: SpecFlags, signal: AbortSignal): Promise<number> {
  await withServer(flags.postgres, async (server) => {
    for (const file of files) {
      const { spec, unused } = parseSpecFile(await readFile(file, "utf8"), file);
      for (const name of unused) process.stderr.write(`unused step name: ${name}\n`);
      process.stdout.write(`Parsed test spec with ${spec.sessions.length} sessions\n`);
      for await (const run of runSpec(server, spec, { name: file, ...flags, signal })) {
        process.stdout.write(run.text);
        for (const c of run.complaints) process.stderr.write(c);
      }
    }
  });
  return exitCode.ok;
}
export { UsageError };
