/**
 * What can go wrong with a step, other than by its own doing:
 *
 * - `crash`: the actor's process dies before its pending steps are sent. Its connections are cut, Postgres rolls back.
 * - `lost answer`: the statement takes effect, COMMIT included, but the connection breaks before the answer arrives.
 * - `serialization failure`: Postgres answers with SQLSTATE 40001 instead of running the statement.
 * - `deadlock`: the same with SQLSTATE 40P01.
 */
export type FaultKind = "crash" | "lost answer" | "serialization failure" | "deadlock";

export const faultKinds: readonly FaultKind[] = ["crash", "lost answer", "serialization failure", "deadlock"];
