import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filled, readPage, root } from "./pages.js";

// Each recipe's race is run twice, with the broken code and with the correct code. Pages show the files that were run, and
// what was printed: `npm run docs` brings them up to date.
const folder = path.join(root, "docs/recipes");
const recipes = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

interface Outcome {
  readonly recipe: string;
  readonly project: "broken" | "correct";
  readonly state: string;
  readonly message: string;
  readonly claim: string;
}

let outcomes: readonly Outcome[] = [];
const written = mkdtempSync(path.join(os.tmpdir(), "raceproof-recipes-"));

beforeAll(async () => {
  const { VITEST: _, ...env } = process.env;
  const file = path.join(written, "outcomes.json");
  const config = "docs/recipes/vitest.config.ts";
  const reporter = path.join(root, "test/docs/outcomes.mjs");
  await promisify(execFile)(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", "--config", config, "--reporter", reporter],
    { cwd: root, env: { ...env, RACEPROOF_REPORTS: written, RECIPE_OUTCOMES: file } },
    // The broken half fails.
  ).catch(() => undefined);
  ({ outcomes } = JSON.parse(readFileSync(file, "utf8")) as { outcomes: Outcome[] });
}, 180_000);

afterAll(() => rmSync(written, { recursive: true, force: true }));

describe.each(recipes)("%s", (recipe) => {
  const outcome = (project: string) => outcomes.find((each) => each.recipe === recipe && each.project === project)!;

  test("the broken code is found", () => {
    expect(outcome("broken")).toMatchObject({ state: "failed", message: expect.stringMatching(/^a race breaks "/) });
    expect(outcome("broken").message).toContain("replayed 10 of 10 times with the same steps");
  });

  test("the correct code holds in all orders", () => {
    expect(outcome("correct")).toMatchObject({ state: "passed", claim: expect.stringMatching(/^all orders /) });
  });

  test("the page shows these files, and what they came to", async () => {
    const page = `docs/recipes/${recipe}/README.md`;
    const shown = filled(readPage(page), (name) => {
      if (name === "printed") return story(outcome("broken").message);
      if (name === "claim") return outcome("correct").claim;
      return name.endsWith(".ts") ? readFileSync(path.join(folder, recipe, name), "utf8") : undefined;
    });
    await expect(shown).toMatchFileSnapshot(path.join(root, page));
    expect(readPage("docs/recipes/README.md")).toContain(`](${recipe}/README.md)`);
  });
});

/** The failure up to the reasons: what follows tells of this run's settings, and how to replay it. */
function story(message: string): string {
  const end = message.indexOf("\n   Postgres ");
  expect(end).toBeGreaterThan(0);
  return message.slice(0, end);
}
