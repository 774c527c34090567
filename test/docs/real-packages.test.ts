import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const packages = path.resolve(import.meta.dirname, "../integrations/packages");

/** What a run of the tests of the packages left: see `promise.mjs` there. */
interface Promised {
  readonly package: string;
  readonly promise: string;
  readonly holds?: string;
  readonly found?: {
    readonly operations: number;
    readonly switches: number;
    readonly minimal: string;
    readonly confirmed: string;
    readonly steps: readonly { readonly actor: string; readonly sql: string; readonly outcome: string }[];
  };
  readonly upstream: string;
  readonly byHand?: string;
}

const text = (name: string) => readFileSync(path.join(packages, name), "utf8");
const link = (upstream: string) =>
  upstream.replaceAll(/([\w-]+\/[\w-]+)#(\d+)/g, "[$1#$2](https://github.com/$1/issues/$2)");

function row({ package: name, promise, holds, found, upstream }: Promised): string {
  const outcome = found === undefined ? `nothing found: ${holds}` : `**breaks**, with ${found.switches} switches`;
  return `| ${name} | ${promise} | ${outcome} | ${link(upstream)} |`;
}

function finding({ package: name, promise, found, upstream, byHand }: Promised): string {
  const { operations, switches, minimal, confirmed, steps } = found!;
  const width = Math.max(...steps.map(({ actor }) => actor.length));
  const lines = steps.map(
    ({ actor, sql, outcome }, i) =>
      `${String(i + 1).padStart(2)}  ${actor.padEnd(width)}  ${sql}\n${" ".repeat(width + 6)}→ ${outcome}`,
  );
  const size = `${operations} operations, ${switches} switches; minimal: ${minimal}; replayed ${confirmed} times with the same steps.`;
  const hand = byHand === undefined ? "" : ` Without raceproof: ${byHand}.`;
  return `### ${name}\n\n${promise}: **no**. ${size} Upstream: ${link(upstream)}.${hand}\n\n\`\`\`text\n${lines.join("\n")}\n\`\`\`\n`;
}

test("the page about published packages shows what the runs gave", async () => {
  const all = readdirSync(path.join(packages, "golden"))
    .toSorted()
    .map((name) => JSON.parse(text(`golden/${name}`)) as Promised);
  const found = all.filter((each) => each.found !== undefined);
  const missed = all.filter((each) => each.found === undefined && each.byHand !== undefined);
  const page = [
    text("page.md"),
    "## What was checked\n",
    "| package | what it promises, in our words | outcome | upstream |\n| --- | --- | --- | --- |",
    `${all.map((each) => row(each)).join("\n")}\n`,
    "## What was known and not found\n",
    `${missed.map((each) => `- **${each.package}**, ${each.promise}: ${link(each.upstream)}. ${each.byHand}.`).join("\n")}\n`,
    "## What was found\n",
    found.map((each) => finding(each)).join("\n"),
  ];
  await expect(page.join("\n")).toMatchFileSnapshot(path.resolve(packages, "../../../docs/real-packages.md"));
});
