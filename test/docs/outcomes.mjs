import { writeFileSync } from "node:fs";
import path from "node:path";

/** A reporter of vitest's: how each race test ended, as JSON in the file that RECIPE_OUTCOMES names. */
export default class Outcomes {
  onTestRunEnd(modules) {
    const outcomes = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => ({
        recipe: path.basename(path.dirname(module.moduleId)),
        project: module.project.name,
        state: test.result().state,
        message:
          test
            .result()
            .errors?.map(({ message }) => message)
            .join("\n") ?? "",
        claim: test.annotations().find(({ type }) => type === "raceproof")?.message ?? "",
      })),
    );
    const unhandled = modules.flatMap((module) => module.errors().map(({ message }) => message));
    writeFileSync(process.env.RECIPE_OUTCOMES, JSON.stringify({ outcomes, unhandled }));
  }
}
