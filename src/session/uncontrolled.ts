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

let socketsBefore = 0;

/** To be called while no code under test runs: what is open now is not its doing. */
export function noteBackground(): void {
  socketsBefore = openSockets(process.getActiveResourcesInfo()) - openSessions();
}

/** What keeps the process busy besides our own connections, by Node's names (`Timeout`, `FSReqCallback`, `socket`, …). */
export function uncontrolledResources(): string[] {
  const active = process.getActiveResourcesInfo();
  const found = active.filter((name) => !sockets.has(name) && !background.has(name));
  if (openSockets(active) > socketsBefore + openSessions()) found.push("socket");
  return [...new Set(found)];
}

function openSockets(active: readonly string[]): number {
  return active.filter((name) => sockets.has(name)).length;
}
