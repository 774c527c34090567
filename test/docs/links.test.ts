import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { readPage, root } from "./pages.js";

const pages = [
  "README.md",
  ...readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`),
];

test.each(pages)("the links of %s lead somewhere", (page) => {
  const text = readPage(page).replaceAll(/```[^]*?```/g, "");
  const broken = [...text.matchAll(/\]\((?!https?:)([^)\s]*)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !leadsSomewhere(page, target));
  expect(broken).toEqual([]);
});

function leadsSomewhere(page: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const place = file === "" ? path.join(root, page) : path.resolve(root, path.dirname(page), file);
  if (!existsSync(place)) return false;
  return anchor === undefined || (statSync(place).isFile() && anchorsOf(readFileSync(place, "utf8")).includes(anchor));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const headings = page.replaceAll(/```[^]*?```/g, "").matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text]) =>
    text!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test("the messages that troubleshooting explains are those that there are", () => {
  const sources = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(path.join(root, "src", file), "utf8"))
    .join("\n");
  // Of each message the pieces between what varies.
  const pieces = [...readPage("docs/troubleshooting.md").matchAll(/\*\*`([^`]+)`\*\*/g)]
    .flatMap(([, message]) => message!.split("…"))
    .map((piece) => piece.trim())
    .filter((piece) => piece.length > 3);
  expect(pieces.length).toBeGreaterThan(20);
  expect(pieces.filter((piece) => !sources.includes(piece))).toEqual([]);
});
