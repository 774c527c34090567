import { partsOf, type AnyModel } from "../execution/model.js";
import type { RememberedReport } from "../explore/verdict.js";
import { recall, rememberedReport, type Remembered } from "./remembered.js";
import { usable } from "../usable-model.js";
import { withLanes, withServer } from "../with-server.js";

/** Where `recallAll` replays. */
export interface RecallOptions {
  /** As for `check`. */
  readonly postgres?: string;
  readonly signal?: AbortSignal;
}

/**
 * Replays a model's remembered counterexamples, and says what has become of each; those of implementations that it no
 * longer has have diverged.
 *
 * @throws {UsageError} When the model is wrong.
 * @throws {PostgresError} When Postgres cannot be started or goes away.
 */
export async function recallAll(
  given: AnyModel,
  remembered: readonly Remembered[],
  { postgres, signal }: RecallOptions = {},
): Promise<RememberedReport[]> {
  const model = usable(given);
  return withServer(postgres, (server) =>
    withLanes(server, model, 2, async (lanesAt) => {
      const reports: RememberedReport[] = [];
      for (const each of remembered) {
        if (signal?.aborted === true) break;
        const lanes = await lanesAt(partsOf(each.counterexample.condition).isolation);
        reports.push(rememberedReport(await recall(lanes, model, each, signal)));
      }
      return reports;
    }),
  );
}
