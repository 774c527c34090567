import { constant } from "fast-check";
import { defineModel, type AnyModel } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import { currentActor } from "../session/context.js";
import type { Connections } from "../session/connections.js";
import type { SpecFile, SpecStep } from "./spec-file.js";

/** Runs one step of a spec on behalf of the actor that calls. */
export type StepRunner = (step: SpecStep) => Promise<void>;

/** Who runs the steps of the executions on a lane. */
export type Runners = WeakMap<Connections, StepRunner>;

/**
 * A spec as a model, so that it runs through the same engine, under the same strategies, as code under test does: its
 * sessions are the actors, its steps their operations, one statement each, and the implementation is the spec itself.
 *
 * @param schema What setup makes, where it is to be there once and for all, and its rows put back for each execution.
 */
export function modelOf(name: string, { sessions }: SpecFile, runners: Runners, schema = ""): AnyModel {
  const operations = sessions.flatMap(({ steps }) =>
    steps.map((step) => [step.name, { parameters: constant(null), run: async () => runnerOf(runners)(step) }] as const),
  );
  return defineModel({
    name,
    schema,
    implementations: { [implementation]: { create: () => undefined } },
    initial: constant(null),
    seed: () => ({}),
    operations: Object.fromEntries(operations),
    actors: Object.fromEntries(sessions.map((session) => [session.name, session.steps.map((step) => step.name)])),
    state: {},
    invariants: {},
    // What waits here is the harness: for the server's own timeouts, among others.
    clock: "real",
  });
}

export const implementation = "spec";

/** Every session runs these of its steps, in this order. */
export function programOf({ sessions }: SpecFile, steps: readonly SpecStep[]): Program {
  const actors = sessions.map(({ name }) => ({
    name,
    operations: steps
      .filter(({ session }) => session === name)
      .map((step) => ({ operation: step.name, parameters: null })),
  }));
  return { initial: null, actors: actors.filter(({ operations }) => operations.length > 0) };
}

function runnerOf(runners: Runners): StepRunner {
  return runners.get(currentActor()!.gate.connections)!;
}
