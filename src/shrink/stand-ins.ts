/** The parts of a text that a clock, a random source or a counter of Postgres' makes: an id, a time, a number. */
const token = new RegExp(
  [
    /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/.source,
    /\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?/.source,
    /\d+(?:\.\d+)?/.source,
  ]
    .map((source) => `(${source})`)
    .join("|"),
  "gi",
);

/**
 * Data of a run in which everything that another run of the same steps had otherwise is replaced by a stand-in of the same
 * shape: ids, times, numbers of transactions. What is left is the same for everybody who records it, and no time is in
 * it; equal values get equal stand-ins.
 *
 * @param one What was recorded.
 * @param other The same data of another run.
 * @param today Dates of this day (`2026-01-31`) are of the clock even where both have them. Default: the day it is.
 */
export function withStandIns<T>(one: T, other: T, today = new Date().toISOString().slice(0, 10)): T {
  return new StandIns(today).replace(one, other) as T;
}

class StandIns {
  readonly #today: string;
  /** By what they stand for. */
  readonly #known = new Map<string, string>();
  readonly #numbers = new Map<number, number>();

  constructor(today: string) {
    this.#today = today;
  }

  replace(one: unknown, other: unknown): unknown {
    if (typeof one === "string") return this.#text(one, typeof other === "string" ? other : "");
    if (typeof one === "number") return one === other ? one : this.#number(one);
    if (Array.isArray(one)) return one.map((item, i) => this.replace(item, (other as unknown[] | undefined)?.[i]));
    if (typeof one !== "object" || one === null) return one;
    const others = (other ?? {}) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(one).map(([key, item]) => [key, this.replace(item, others[key])]));
  }

  #number(value: number): number {
    const known = this.#numbers.get(value) ?? this.#numbers.size + 1;
    this.#numbers.set(value, known);
    return known;
  }

  #text(one: string, other: string): string {
    const others = other.match(token) ?? [];
    let at = 0;
    return one.replaceAll(token, (text, id?: string, time?: string) => {
      const isSame = others[at++] === text;
      if (isSame && !(time?.startsWith(this.#today) ?? false)) return text;
      if (id === undefined && time === undefined) return "N";
      const known = this.#known.get(text) ?? (id === undefined ? this.#time(text) : this.#id());
      this.#known.set(text, known);
      return known;
    });
  }

  #id(): string {
    return `00000000-0000-4000-8000-${String(this.#known.size + 1).padStart(12, "0")}`;
  }

  /** In the same format: the first of January 2000, a second later for each. */
  #time(text: string): string {
    const values = ["2000", "01", "01", "00", "00", String((this.#known.size + 1) % 60).padStart(2, "0")];
    let part = 0;
    return text.replaceAll(/\d+/g, (digits) => (values[part++] ?? "0").padEnd(digits.length, "0"));
  }
}
