/** Exit codes of the command line; stable, so that CI may rely on them. */
export const exitCode = {
  /** Everything ended as expected. */
  ok: 0,
  /** Something did not: a violation where none may be, or none where one must be. */
  unexpected: 1,
  /** Wrong use, configuration or input. */
  usage: 2,
  /** It could not be told: Postgres or the harness failed, or the result is inconclusive. */
  inconclusive: 3,
  /** Interrupted; what was found so far has been written. */
  interrupted: 130,
} as const;

/** A failure that is explained by its message alone: what happened, where, and what to do next. No stack trace is shown for it. */
export class RaceproofError extends Error {
  override readonly name: string = "RaceproofError";
  readonly exitCode: number = exitCode.inconclusive;
}

/** The user's input, flags, model or file is wrong (exit code 2). */
export class UsageError extends RaceproofError {
  override readonly name = "UsageError";
  override readonly exitCode = exitCode.usage;
}

/** Postgres could not be started, reached or used (exit code 3). */
export class PostgresError extends RaceproofError {
  override readonly name = "PostgresError";
}
