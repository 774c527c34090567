import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Report, Told } from "../report.js";
import { article } from "./article.js";
import { html, type Html } from "./markup.js";
import { verdictSection } from "./verdict.js";

/**
 * A whole report as one HTML file that needs no network and nothing beside it. Everything stands in it as headings, lists and
 * tables with anchors, and reads without scripts; the script adds stepping, and shows one counterexample at a time. Its
 * content policy lets nothing run, load or be sent but this script and this style sheet. Pure.
 *
 * @param options.code A url, with a slash at its end, under which the files of the project are: lines of code link there.
 */
export function renderHtml(
  { verdict, counterexamples }: Report,
  { code }: { readonly code?: string | undefined } = {},
): string {
  const ids = new Map(counterexamples.map(({ file }, index) => [baseName(file), `c${index + 1}`]));
  const isOnly = verdict === null && counterexamples.length === 1;
  const title = verdict?.model ?? counterexamples[0]?.counterexample.model.name ?? "raceproof";
  const version = verdict?.raceproof ?? counterexamples[0]?.counterexample.environment.raceproof ?? "";
  const body = html`<header class="top">
      <p class="brand">raceproof <small>${version}</small></p>
      <h1>${title}</h1>
    </header>
    <main>
      ${verdict === null ? null : verdictSection(verdict, (file) => (file === null ? undefined : ids.get(baseName(file))))}
      ${verdict === null && !isOnly ? contents(counterexamples) : null}
      ${counterexamples.map((told, index) => article(told, { id: `c${index + 1}`, code }, isOnly))}
    </main>
    <footer class="small" id="keys" hidden>
      Keys: <kbd>→</kbd> <kbd>←</kbd> step forward and back, <kbd>Home</kbd> <kbd>End</kbd> first and last,
      <kbd>f</kbd> fold, <kbd>Esc</kbd> back to the verdict.
    </footer>`;
  return page(title, body);
}

/** Without a verdict, and with several counterexamples: what there is. */
function contents(counterexamples: readonly Told[]): Html {
  return html`<section id="verdict" aria-labelledby="verdict-title">
    <h2 id="verdict-title" tabindex="-1">${counterexamples.length} counterexamples</h2>
    <ul>
      ${counterexamples.map(
        ({ counterexample: { implementation, condition, signature } }, index) =>
          html`<li><a href="#c${index + 1}">${implementation}, ${condition}: ${signature}</a></li>`,
      )}
    </ul>
  </section>`;
}

/** The policy names the script and the style sheet by their hashes, so they stand in the file as they are. */
function page(title: string, body: Html): string {
  const [style, script] = [asset("style.css"), asset("script.js")];
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const head = html`<meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="referrer" content="no-referrer" />
    <title>${title}: raceproof</title>`;
  return `<!DOCTYPE html>\n<html lang="en">\n<head>\n${head.toString()}\n<style>${style}</style>\n</head>\n<body>\n${body.toString()}\n<script>${script}</script>\n</body>\n</html>\n`;
}

function asset(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1);
}
