/** What the code under test got back from a step. */
export type Outcome =
  | { readonly kind: "rows"; readonly command: string; readonly rowCount: number | null }
  | { readonly kind: "error"; readonly code: string | null; readonly message: string }
  | { readonly kind: "passed" };

/** The outcome of `pg`'s answer to one `query` call. Of several statements in one text the last one counts. */
export function outcomeOf(error: unknown, result: unknown): Outcome {
  if (error instanceof Error) {
    const code = (error as { code?: unknown }).code;
    return { kind: "error", code: typeof code === "string" ? code : null, message: error.message };
  }
  const last = (Array.isArray(result) ? result.at(-1) : result) as
    | { command?: string; rowCount?: number | null }
    | undefined;
  return { kind: "rows", command: last?.command ?? "", rowCount: last?.rowCount ?? null };
}
