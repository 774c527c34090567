import { createHash } from "node:crypto";
import { failuresOf, type Case } from "../cases.js";
import { describeStep } from "../lines.js";
import { decisivePlace } from "../place.js";
import type { Report } from "../report.js";
import { inert } from "../stable-json.js";
import { cut, oneLine, visible } from "../text.js";
import { sentenceText, whyOf } from "../why.js";

/**
 * What was not to be, as SARIF 2.1.0 for code scanning: a rule for each invariant, a result for each counterexample at the
 * source line of the decisive statement, and the steps of each actor as the flow of a thread.
 */
export function renderSarif(report: Report): string {
  const failures = failuresOf(report);
  const rules = [...new Set(failures.map(({ invariant }) => invariant))];
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "raceproof",
            ...versionOf(report),
            rules: rules.map((name) => ({
              id: ruleId(name),
              name: oneLine(name),
              shortDescription: { text: oneLine(name) },
              defaultConfiguration: { level: "error" },
            })),
          },
        },
        columnKind: "utf16CodeUnits",
        results: failures.map((each) => resultOf(each, rules.indexOf(each.invariant))),
      },
    ],
  };
  return `${inert(JSON.stringify(log, null, 2))}\n`;
}

/** SARIF wants numbers with dots there. */
function versionOf({ verdict, counterexamples }: Report): { readonly semanticVersion?: string } {
  const version = verdict?.raceproof ?? counterexamples[0]?.counterexample.environment.raceproof;
  return version === undefined ? {} : { semanticVersion: version };
}

function ruleId(invariant: string): string {
  return `raceproof/${
    oneLine(invariant)
      .replace(/[^\w]+/gu, "-")
      .replace(/^-|-$/gu, "") || "invariant"
  }`;
}

function resultOf(failure: Case, ruleIndex: number) {
  const { implementation, condition, invariant, outcome, message, told } = failure;
  const why = told === undefined ? [] : whyOf(told.counterexample).stale.map(sentenceText);
  const words = [
    `${implementation}, ${condition}: ${message}`,
    ...why,
    ...(told === undefined ? [] : [`Replay: ${told.replayCommand}`]),
  ];
  const identity = JSON.stringify([implementation, condition, told?.counterexample.signature ?? invariant]);
  return {
    ruleId: ruleId(invariant),
    ruleIndex,
    level: outcome === "failed" ? "error" : "warning",
    message: { text: words.map((line) => visible(line)).join("\n") },
    locations: locationsOf(failure),
    partialFingerprints: { "raceproof/v1": createHash("sha256").update(identity).digest("hex").slice(0, 32) },
    ...flowsOf(failure),
  };
}

/** The decisive statement, else the model, so that code scanning, which needs a place, shows it at all. */
function locationsOf({ told }: Case) {
  if (told === undefined) return [];
  const place = decisivePlace(told.counterexample);
  const { module } = told.counterexample.model;
  if (place !== undefined) return [locationOf(place.file, place.line)];
  return module === null ? [] : [locationOf(module, 1)];
}

function locationOf(file: string, line: number, message?: string) {
  const uri = file.split("/").map(encodeURIComponent).join("/");
  return {
    physicalLocation: { artifactLocation: { uri }, region: { startLine: line } },
    ...(message === undefined ? {} : { message: { text: message } }),
  };
}

function flowsOf({ told }: Case) {
  if (told === undefined) return {};
  const { trace, explanation } = told.counterexample;
  const actors = [...new Set(trace.steps.map(({ actor }) => actor))];
  const threadFlows = actors.flatMap((actor) => {
    const locations = trace.steps.flatMap((step) => {
      const site = explanation?.sites[step.index];
      if (step.actor !== actor || site === null || site === undefined || site.file.startsWith("raceproof/")) return [];
      const text = cut(`${step.index + 1}. ${describeStep(step)}`, 400);
      return [{ location: locationOf(site.file, site.line, text), executionOrder: step.index + 1 }];
    });
    return locations.length === 0 ? [] : [{ id: visible(actor), locations }];
  });
  return threadFlows.length === 0 ? {} : { codeFlows: [{ threadFlows }] };
}
