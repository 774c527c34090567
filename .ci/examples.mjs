// Makes reports/examples/ anew, from a real run: `npm run examples`.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import model from "../dist/models/dashboard-sync/model.js";
import * as raceproof from "../dist/src/index.js";

const folder = "reports/examples";
const name = "redelivery-during-retry";
const replayCommand = `npx raceproof replay ${folder}/${name}.json`;

const { verdict, counterexamples } = await raceproof.check(model, { reports: "reports" });
if (!verdict.asExpected) throw new Error("the run did not come out as expected");

// The race that the analysis begins with: a counter above a table that has lost its row.
const found = counterexamples.find(
  ({ implementation, condition, program, violations }) =>
    implementation === "legacy" &&
    condition === "read committed" &&
    program.actors.flatMap(({ operations }) => operations).length === 2 &&
    violations.some(({ invariant, way }) => invariant === "counter equals failed rows" && way === "too high"),
);
if (found === undefined) throw new Error("the run did not find the redelivery race");

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/${name}.json`, raceproof.writeCounterexample(found));
writeFileSync(`${folder}/${name}.md`, raceproof.renderCounterexampleMarkdown(found, { replayCommand }));
const terminal = raceproof.renderCounterexampleTerminal(found, { color: false, width: 100, replayCommand });
writeFileSync(`${folder}/${name}.txt`, terminal);
writeFileSync(`${folder}/dashboard-sync.verdict.md`, raceproof.renderVerdictMarkdown(verdict));

// A page shows the same texts: the timeline, and the first block of the matrix.
const whole = raceproof.renderVerdictTerminal(verdict, { color: false, width: 100 });
const [matrix] = /^ +1 +2 +3 [^]*?(?=\n\n)/m.exec(whole) ?? [];
if (matrix === undefined) throw new Error("the verdict has no matrix");
const page = "docs/dashboard-sync.md";
const shown = readFileSync(page, "utf8")
  .replace(/(<!-- example -->\n```text\n)[^]*?(```)/, (_, before, after) => `${before}${terminal}${after}`)
  .replace(/(<!-- matrix -->\n```text\n)[^]*?(```)/, (_, before, after) => `${before}${matrix}\n${after}`);
writeFileSync(page, shown);
