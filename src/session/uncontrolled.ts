import { openSessions } from "./session.js";

const sockets = new Set(["TCPSocketWrap", "PipeWrap", "TLSWrap"]);
/** Always there, and nobody's doing. */
const background = new Set([
  "TTYWrap",
  "FSEventWrap",
  "StatWatcher",
  "SignalWrap",
  "MessagePort",
  "ProcessWrap",
  "Immediate",
]);

let before: ReadonlyMap<string, number> = new Map();

/** To be called while no code under test runs: what is open now (a test runner's own timers, say) is not its doing. */
export function noteBackground(): void {
  before = activeResources();
}

/** What keeps the process busy besides our own connections, by Node's names (`Timeout`, `FSReqCallback`, `socket`, …). */
export function uncontrolledResources(): string[] {
  const active = activeResources();
  return [...active.keys()].filter((name) => active.get(name)! > (before.get(name) ?? 0));
}

/** How many there are of each kind; sockets are one kind, of which ours do not count. */
function activeResources(): Map<string, number> {
  const counts = new Map([["socket", -openSessions()]]);
  for (const name of process.getActiveResourcesInfo()) {
    if (background.has(name)) continue;
    const kind = sockets.has(name) ? "socket" : name;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
