import { availableParallelism } from "node:os";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import pg from "pg";
import { defaultLanes } from "../src/check/options.js";
import { openServer } from "../src/postgres/open.js";
import { gatePg } from "../src/session/pg.js";
import type { Figure, Setting } from "./bench.js";
import { benches } from "./benches.js";
import { lineOf } from "./line.js";

const usage = `npm run bench -- [--only NAME]... [--quick] [--memory N] [--json FILE]

Measures each performance claim, both sides of a ratio in one run:
${benches.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join("\n")}

  --only NAME  this one; may be repeated
  --quick      as little as shows that they work; the figures mean nothing
  --memory N   how many executions the bench "memory" runs (default: 10000; the claim is about 100000, which takes minutes)
  --json FILE  write the figures`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    quick: { type: "boolean", default: false },
    memory: { type: "string", default: "10000" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const names = flags.only;
const unknown = names.filter((name) => !benches.some((bench) => bench.name === name));
if (flags.help || unknown.length > 0) {
  process.stderr.write(unknown.length > 0 ? `there is no bench "${unknown.join('", "')}"\n\n${usage}\n` : `${usage}\n`);
  process.exit(flags.help ? 0 : 2);
}

gatePg(pg);
const server = await openServer();
const setting: Setting = { server, quick: flags.quick, lanes: defaultLanes(), memoryExecutions: Number(flags.memory) };
const results: Record<string, readonly Figure[]> = {};
try {
  for (const bench of benches) {
    if (names.length > 0 && !names.includes(bench.name)) continue;
    process.stdout.write(`${bench.name}: ${bench.about}\n`);
    const figures: Figure[] = [];
    results[bench.name] = figures;
    for await (const figure of bench.run(setting)) {
      process.stdout.write(`  ${lineOf(figure)}\n`);
      figures.push(figure);
    }
  }
} finally {
  await server.stop();
}
if (flags.json !== undefined) {
  const environment = { node: process.version, postgres: server.version, processors: availableParallelism() };
  const file = { schema: "raceproof/bench@2", quick: flags.quick, ...environment, results };
  writeFileSync(flags.json, `${JSON.stringify(file, null, 2)}\n`);
}
