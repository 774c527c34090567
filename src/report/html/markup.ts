import { visible } from "../text.js";

/** Markup that is safe to put into a page: made by {@link html} and by nothing else. */
export class Html {
  readonly #markup: string;

  private constructor(markup: string) {
    this.#markup = markup;
  }

  /** Only where the literal parts are ours, as those of {@link html}. */
  static of(parts: readonly string[], values: readonly Content[]): Html {
    return new Html(parts.map((part, index) => (index === 0 ? part : render(values[index - 1]!) + part)).join(""));
  }

  toString(): string {
    return this.#markup;
  }
}

/** What may stand in a page: text of any origin, and markup of ours. */
export type Content = string | number | Html | readonly Content[] | null;

/**
 * Markup with text in it. Whatever is put in is escaped, in elements and in quoted attributes alike, unless it is markup
 * itself; there is no other way for text into a page. What a browser would act on without showing it is made visible.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return Html.of(withoutIndents(parts), values);
}

const known = new WeakMap<TemplateStringsArray, readonly string[]>();

/** The indents are the source code's; in a long report they would be a third of the page. */
function withoutIndents(parts: TemplateStringsArray): readonly string[] {
  const found = known.get(parts) ?? parts.raw.map((part) => part.replace(/\n\s+/gu, "\n"));
  known.set(parts, found);
  return found;
}

/** Text of several lines, each as it is. */
export function lines(text: string): Content {
  return text.split(/\r\n|\r|\n/u).map((line, index) => (index === 0 ? line : [breakLine, line]));
}

const breakLine = Html.of(["\n"], []);

function render(value: Content): string {
  if (value === null) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "string" || typeof value === "number") return escape(String(value));
  return value.map((each) => render(each)).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

function escape(text: string): string {
  return visible(text).replace(/[&<>"'`]/gu, (character) => entities[character]!);
}
