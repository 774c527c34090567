/** What a stream can show. */
export interface Look {
  readonly color: boolean;
  /** Columns. */
  readonly width: number;
}

/** NO_COLOR and FORCE_COLOR count, in that order; a pipe is 100 columns wide and has no colour. */
export function lookOf(stream: NodeJS.WriteStream): Look {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== "0" && FORCE_COLOR !== "";
  const color = (NO_COLOR === undefined || NO_COLOR === "") && (forced || (stream.isTTY && FORCE_COLOR !== "0"));
  return { color, width: stream.isTTY ? Math.max(60, stream.columns || 80) : 100 };
}
