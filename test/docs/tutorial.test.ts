import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readPage, root } from "./pages.js";
import { emptyProject } from "./play.js";

// `npm run docs` writes into the pages what is printed now.
test.each(["README.md", "docs/tutorial.md", "docs/race-tests.md"])(
  "%s can be followed, and prints what it shows",
  { timeout: 180_000 },
  async (file) => {
    const project = emptyProject();
    onTestFinished(() => project.remove());
    const page = readPage(file);
    // All of it, or what stands between two marks.
    const [, before = "", played = page, after = ""] =
      /^([^]*<!-- follow -->)([^]*)(<!-- end -->[^]*)$/.exec(page) ?? [];
    const now = `${before}${project.follow(played)}${after}`;
    await expect(now).toMatchFileSnapshot(path.join(root, file));
  },
);
