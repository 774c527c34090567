import type { DashboardSync } from "../../dashboard-sync/implementation.js";

/** One version of the code, as a process runs it. */
export interface Version extends Omit<DashboardSync, "outbox"> {
  readonly name: string;
  /** Whether it names the counters' columns in what it writes. */
  readonly counts: boolean;
  /** Whether it reports and resets in separate statements. */
  readonly piecemeal: boolean;
}
