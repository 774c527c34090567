// Makes reports/examples/ anew, from a real run: `npm run examples`.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import model from "../dist/models/dashboard-sync/model.js";
import * as raceproof from "../dist/src/index.js";

const folder = "reports/examples";
const name = "redelivery-during-retry";
const replayCommand = `npx raceproof replay ${folder}/${name}.json`;

const { counterexamples } = await raceproof.check(model, { implementations: ["legacy"], reports: folder });
const found = counterexamples.find(({ signature }) => signature === "counter equals failed rows: too high");
if (found === undefined) throw new Error("the run did not find the redelivery race");

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/${name}.json`, raceproof.writeCounterexample(found));
writeFileSync(`${folder}/${name}.md`, raceproof.renderCounterexampleMarkdown(found, { replayCommand }));
const terminal = raceproof.renderCounterexampleTerminal(found, { color: false, width: 100, replayCommand });
writeFileSync(`${folder}/${name}.txt`, terminal);

// The README shows the same text.
const readme = readFileSync("README.md", "utf8");
const shown = readme.replace(
  /(<!-- example -->\n```text\n)[^]*?(```)/,
  (_, before, after) => `${before}${terminal}${after}`,
);
writeFileSync("README.md", shown);
