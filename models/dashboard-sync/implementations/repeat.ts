/** How often something is done at most before its error is passed on. */
const most = 10;

/**
 * Does something again when Postgres gave it up (40001, 40P01), or when the connection broke and nobody knows whether it
 * was done. For what may be done twice without harm only.
 */
export async function repeat<T>(body: () => Promise<T>): Promise<T> {
  for (let time = 1; ; time++) {
    try {
      return await body();
    } catch (error) {
      if (time === most || !(wasGivenUp(error) || isLostConnection(error))) throw error;
    }
  }
}

function wasGivenUp(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === "40001" || code === "40P01";
}

/** Whether the connection broke. The driver says so in words: Postgres, which has codes, was not there to say it. */
export function isLostConnection(error: unknown): boolean {
  return error instanceof Error && isLostConnectionMessage(error.message);
}

export function isLostConnectionMessage(message: string): boolean {
  return /^(Connection terminated|Client (has encountered a connection error|was closed))/.test(message);
}
