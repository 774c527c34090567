import { mkdirSync, writeFileSync } from "node:fs";
import pg from "pg";
import { openServer } from "../src/postgres/open.js";
import { gatePg } from "../src/session/pg.js";
import { engineEfficiency } from "./engine.js";
import { measure, type Measured } from "./measure.js";

// Each performance claim as a ratio, both sides measured in one run: `npm run bench [rounds] [executions per round]`.
const [rounds = 7, executions = 1_000] = process.argv.slice(2).map(Number);

gatePg(pg);
const server = await openServer();
const results: Measured[] = [];
try {
  for (const lanes of [1, 4]) {
    const comparison = await engineEfficiency(server, lanes);
    try {
      const result = await measure(comparison, rounds, executions);
      results.push(result);
      print(result);
    } finally {
      await comparison.close();
    }
  }
} finally {
  await server.stop();
}
mkdirSync("reports", { recursive: true });
writeFileSync(
  "reports/bench.json",
  `${JSON.stringify({ schema: "raceproof/bench@1", node: process.version, postgres: server.version, results }, null, 2)}\n`,
);

function print({ name, unit, ours, theirs, ratio, aim, rounds }: Measured): void {
  const [median, min, max] = [ratio.median, ratio.min, ratio.max].map((value) => value.toFixed(2));
  process.stdout.write(
    `${name}: ${median} (min ${min}, max ${max}, ${rounds} rounds; aim ${aim})\n  raceproof ${ours.toFixed(0)}, plain pg ${theirs.toFixed(0)} ${unit}\n`,
  );
}
