import { createHash } from "node:crypto";
import { failuresOf, type Case } from "../cases.js";
import { describeStep } from "../lines.js";
import { decisivePlace, isOurs, uriOf } from "../place.js";
import type { Counterexample } from "../../shrink/counterexample.js";
import type { Report, Told } from "../report.js";
import { inert } from "../stable-json.js";
import { cut, oneLine, visible } from "../text.js";
import { confirmedText, reasonsOf, whyOf } from "../why.js";

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
  const named = told === undefined ? [] : namedSteps(told.counterexample);
  const words = [
    literal(`${implementation}, ${condition}: ${message}`),
    ...(told === undefined ? [] : wordsOf(told, named)),
  ];
  const identity = JSON.stringify([implementation, condition, told?.counterexample.signature ?? invariant]);
  return {
    ruleId: ruleId(invariant),
    ruleIndex,
    level: outcome === "failed" ? "error" : "warning",
    message: { text: words.join("\n") },
    locations: locationsOf(failure),
    ...(named.length === 0 ? {} : { relatedLocations: named.map(({ location }, id) => ({ id: id + 1, ...location })) }),
    partialFingerprints: { "raceproof/v1": createHash("sha256").update(identity).digest("hex").slice(0, 32) },
    ...flowsOf(failure),
  };
}

/** Why it broke, the two steps to swap, that it really happened, and how to run it again; steps lead to their places in the code. */
function wordsOf({ counterexample, replayCommand }: Told, named: readonly NamedStep[]): string[] {
  const why = whyOf(counterexample);
  const sentences = [...reasonsOf(why), ...why.proof].map((sentence) =>
    sentence.map((part) => (typeof part === "string" ? literal(part) : stepLink(part.step, named))).join(""),
  );
  return [...sentences, confirmedText(counterexample), literal(`Replay: ${replayCommand}`)];
}

/** A step that the reasons speak of, with its place. */
interface NamedStep {
  readonly step: number;
  readonly location: ReturnType<typeof locationOf>;
}

function namedSteps(counterexample: Counterexample): NamedStep[] {
  const { trace, explanation } = counterexample;
  const numbers = reasonsOf(whyOf(counterexample)).flatMap((sentence) =>
    sentence.flatMap((part) => (typeof part === "string" ? [] : [part.step])),
  );
  return [...new Set(numbers)].flatMap((step): NamedStep[] => {
    const site = explanation?.sites[step - 1];
    if (!isOurs(site)) return [];
    const text = literal(cut(`${step}. ${describeStep(trace.steps[step - 1]!)}`, 400));
    return [{ step, location: locationOf(site.file, site.line, text) }];
  });
}

function stepLink(step: number, named: readonly NamedStep[]): string {
  const id = named.findIndex((each) => each.step === step) + 1;
  return id === 0 ? `step ${step}` : `[step ${step}](${id})`;
}

/** Text in which no viewer finds a link, as `[text](target)` is one in a message. */
function literal(text: string): string {
  return visible(text).replaceAll("](", "\\](");
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
  return {
    physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: line } },
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
      if (step.actor !== actor || !isOurs(site)) return [];
      const text = literal(cut(`${step.index + 1}. ${describeStep(step)}`, 400));
      return [{ location: locationOf(site.file, site.line, text), executionOrder: step.index + 1 }];
    });
    return locations.length === 0 ? [] : [{ id: visible(actor), locations }];
  });
  return threadFlows.length === 0 ? {} : { codeFlows: [{ threadFlows }] };
}
