import type { Scenario } from "../src/index.js";
import { doubleRetryOfOne } from "./dashboard-sync/double-retry.js";
import { redeliveryDuringRetry } from "./dashboard-sync/redelivery-during-retry.js";
import { testingScenarios } from "./dashboard-sync/testing-scenarios.js";

/** Every timeline that ships with raceproof. */
export const scenarios: readonly Scenario[] = [redeliveryDuringRetry, doubleRetryOfOne, ...testingScenarios];
