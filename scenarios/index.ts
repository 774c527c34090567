import type { Scenario } from "../src/index.js";
import { crashes } from "./dashboard-sync/crashes.js";
import { doubleRetryAroundWorker, doubleRetryInterleaved, doubleRetryOfOne } from "./dashboard-sync/double-retry.js";
import { redeliveryDuringRetry } from "./dashboard-sync/redelivery-during-retry.js";
import { testingScenarios } from "./dashboard-sync/testing-scenarios.js";
import { tornReads } from "./dashboard-sync/torn-read.js";
import { workerScenarios } from "./dashboard-sync/workers.js";

/** Every timeline that ships with raceproof. */
export const scenarios: readonly Scenario[] = [
  redeliveryDuringRetry,
  doubleRetryOfOne,
  ...testingScenarios,
  doubleRetryAroundWorker,
  doubleRetryInterleaved,
  ...workerScenarios,
  ...crashes,
  ...tornReads,
];
