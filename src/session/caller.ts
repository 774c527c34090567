/** How many frames: enough to reach the code under test behind a query builder and its promises. */
const depth = 60;

/** The stack of the code that calls, in V8's words. For recorded runs only: it costs more than a statement. */
export function callersStack(): string {
  const { stackTraceLimit } = Error;
  const captured: { stack?: string } = {};
  Error.stackTraceLimit = depth;
  Error.captureStackTrace(captured, callersStack);
  Error.stackTraceLimit = stackTraceLimit;
  return captured.stack ?? "";
}
