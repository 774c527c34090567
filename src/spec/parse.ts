import { UsageError } from "../errors.js";
import type { Marker, PermutationStep, SpecFile, SpecSession, SpecStep } from "./spec-file.js";
import { tokensOf, type Token } from "./tokens.js";

/** What a file comes to: the spec, and what is odd about it without being wrong. */
export interface ParsedSpec {
  readonly spec: SpecFile;
  /** Steps that no permutation runs although there are permutations. */
  readonly unused: readonly string[];
}

/**
 * Reads a spec file.
 *
 * @param file Its name, for messages.
 * @throws {UsageError} Where it is not one; it names the line, and says what is expected there.
 */
export function parseSpecFile(text: string, file: string): ParsedSpec {
  const reader = new Reader(tokensOf(text, file), file);
  const setups = reader.blocks("setup");
  const teardown = reader.block("teardown");
  const sessions: SpecSession[] = [];
  while (reader.keyword("session")) sessions.push(session(reader));
  if (sessions.length === 0)
    throw reader.expected('"session NAME" (or "setup { SQL }" or "teardown { SQL }" before it)');
  const steps = stepsByName(sessions, reader);
  const permutations: PermutationStep[][] = [];
  while (reader.keyword("permutation")) permutations.push(permutation(reader, steps));
  if (!reader.atEnd)
    throw reader.expected(permutations.length > 0 ? "a step's name, or the next permutation" : "what may follow here");
  const used = new Set(permutations.flatMap((each) => each.map(({ step }) => step.name)));
  const unused = permutations.length === 0 ? [] : [...steps.keys()].filter((name) => !used.has(name)).toSorted();
  return { spec: { setups, teardown, sessions, permutations }, unused };
}

function session(reader: Reader): SpecSession {
  const name = reader.name("the session's name");
  const setup = reader.block("setup");
  const steps: SpecStep[] = [];
  while (reader.keyword("step"))
    steps.push(reader.placed({ name: reader.name("the step's name"), session: name, sql: reader.sql() }));
  if (steps.length === 0) throw reader.expected(`"step NAME { SQL }": session "${name}" needs at least one`);
  return { name, setup, steps, teardown: reader.block("teardown") };
}

function stepsByName(sessions: readonly SpecSession[], reader: Reader): Map<string, SpecStep> {
  const steps = new Map<string, SpecStep>();
  for (const step of sessions.flatMap((each) => each.steps)) {
    const first = steps.get(step.name);
    if (first !== undefined)
      throw reader.wrong(
        step,
        `a step named "${step.name}" stands in line ${reader.lineOf(first)} already; give one of them another name`,
      );
    steps.set(step.name, step);
  }
  return steps;
}

/** Markers may name steps that stand further on, so they are looked up when the whole line is known. */
function permutation(reader: Reader, steps: ReadonlyMap<string, SpecStep>): PermutationStep[] {
  const found: { token: Token; step: SpecStep; markers: UnresolvedMarker[] }[] = [];
  do {
    const token = reader.token("name", "a step's name");
    const step = steps.get(token.text);
    if (step === undefined)
      throw reader.wrong(token, `there is no step "${token.text}"; there are: ${[...steps.keys()].join(", ")}`);
    found.push({ token, step, markers: reader.mark("(") ? markers(reader) : [] });
  } while (reader.atName);
  return found.map(({ step, markers: unresolved }) => ({
    step,
    markers: unresolved.map((marker) =>
      resolved(
        marker,
        step,
        found.map((each) => each.step),
        reader,
      ),
    ),
  }));
}

type UnresolvedMarker = { readonly token: Token; readonly notices: number | undefined } | undefined;

function markers(reader: Reader): UnresolvedMarker[] {
  const list: UnresolvedMarker[] = [];
  do {
    if (reader.mark("*")) list.push(undefined);
    else {
      const token = reader.token("name", 'a marker: "*", STEP, or STEP notices NUMBER');
      const notices = reader.keyword("notices")
        ? Number(reader.token("number", "a number of notices").text)
        : undefined;
      list.push({ token, notices });
    }
  } while (reader.mark(","));
  if (!reader.mark(")")) throw reader.expected('"," or ")"');
  return list;
}

function resolved(marker: UnresolvedMarker, step: SpecStep, permuted: readonly SpecStep[], reader: Reader): Marker {
  if (marker === undefined) return { kind: "once" };
  const { token, notices } = marker;
  const other = permuted.find(({ name }) => name === token.text);
  if (other === undefined)
    throw reader.wrong(
      token,
      `the marker of "${step.name}" names the step "${token.text}", which this permutation does not run`,
    );
  if (other.session === step.session)
    throw reader.wrong(token, `the step "${step.name}" cannot wait for "${other.name}" of its own session`);
  return notices === undefined ? { kind: "step", step: other } : { kind: "notices", step: other, count: notices };
}

/** The tokens, one after the other. */
class Reader {
  readonly #tokens: readonly Token[];
  readonly #file: string;
  readonly #lines = new Map<SpecStep, number>();
  #at = 0;

  constructor(tokens: readonly Token[], file: string) {
    this.#tokens = tokens;
    this.#file = file;
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  get atEnd(): boolean {
    return this.#next.kind === "end";
  }

  get atName(): boolean {
    return this.#next.kind === "name";
  }

  keyword(word: string): boolean {
    return this.#passes("keyword", word);
  }

  mark(mark: string): boolean {
    return this.#passes("mark", mark);
  }

  #passes(kind: Token["kind"], text: string): boolean {
    const passes = this.#next.kind === kind && this.#next.text === text;
    if (passes) this.#at++;
    return passes;
  }

  token(kind: Token["kind"], what: string): Token {
    const token = this.#next;
    if (token.kind !== kind) throw this.expected(what);
    this.#at++;
    return token;
  }

  name(what: string): string {
    return this.token("name", what).text;
  }

  sql(): string {
    return this.token("sql", "SQL in braces").text;
  }

  block(word: string): string | undefined {
    return this.keyword(word) ? this.sql() : undefined;
  }

  blocks(word: string): string[] {
    const found: string[] = [];
    while (this.keyword(word)) found.push(this.sql());
    return found;
  }

  /** Remembers where a step stands, for messages. */
  placed(step: SpecStep): SpecStep {
    this.#lines.set(step, this.#tokens[this.#at - 1]!.line);
    return step;
  }

  lineOf(step: SpecStep): number {
    return this.#lines.get(step)!;
  }

  expected(what: string): UsageError {
    const { kind, text, line } = this.#next;
    const found = kind === "sql" ? "a block of SQL" : kind === "end" ? text : JSON.stringify(text);
    const hint = kind === "keyword" ? " (a keyword, which needs quotation marks to be a name)" : "";
    return new UsageError(`${this.#file}:${line}: expected ${what}, found ${found}${hint}`);
  }

  wrong(at: Token | SpecStep, message: string): UsageError {
    const line = "line" in at ? at.line : this.lineOf(at);
    return new UsageError(`${this.#file}:${line}: ${message}`);
  }
}
