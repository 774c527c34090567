import type { Access } from "./effects.js";
import type { Footprint } from "./footprint.js";
import type { Lock } from "./locks.js";
import type { Rows, Value } from "./values.js";

/** What a footprint says to people, e.g. `reads t (id = 1)`, `publishes t (id = 1); gives up t (id = 1)`. */
export function summaryOf(footprint: Footprint): string {
  const { opaque, yields, reads, writes, publishes, wants, givesUp, snapshot, probes, letsGo } = footprint;
  const said = [
    ...(opaque === undefined ? [] : [`may do anything: ${opaque}`]),
    ...(yields ? ["may touch what actors share outside Postgres"] : []),
    ...(snapshot ? ["takes its transaction's snapshot"] : []),
    ...named("reads", reads.map(accessText)),
    ...named("writes", writes.map(accessText)),
    ...named("publishes", publishes.map(accessText)),
    ...named(probes ? "locks, without waiting," : "locks", wants.filter(isWorthSaying).map(lockText)),
    ...named("gives up", givesUp.filter(isWorthSaying).map(lockText)),
    ...(footprint.listens ? ["begins or ends to listen"] : []),
    ...(footprint.notifies ? ["notifies those who listen"] : []),
    ...named(
      "may let go",
      letsGo.map(({ session }) => session),
    ),
  ];
  return said.length === 0 ? "touches nothing that another session could notice" : said.join("; ");
}

function named(verb: string, what: readonly string[]): string[] {
  const distinct = [...new Set(what)];
  return distinct.length === 0 ? [] : [`${verb} ${distinct.join(", ")}`];
}

/** Every statement takes the weak table locks, and they matter to few. */
export function isWorthSaying(lock: Lock): boolean {
  return lock.kind !== "table" || !["ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE"].includes(lock.mode);
}

/** E.g. `t (id = 1)`, `t.n, t.m (id = 1)` */
export function accessText({ table, rows, columns }: Access): string {
  const name = short(table);
  const what =
    columns === "all" || columns.size === 0 ? name : [...columns].map((each) => `${name}.${each}`).join(", ");
  return `${what}${rowsText(rows)}`;
}

/** E.g. ` (id = 1)`; nothing for all rows. */
function rowsText(rows: Rows): string {
  const conditions = [...rows].map(([column, values]) =>
    values.length === 1 ? `${column} = ${valueText(values[0]!)}` : `${column} in (${values.map(valueText).join(", ")})`,
  );
  return conditions.length === 0 ? "" : ` (${conditions.join(" and ")})`;
}

function valueText(value: Value): string {
  return "text" in value ? value.text : "a new one";
}

/** E.g. `rows of t (id = 1) FOR UPDATE`, `advisory lock 7` */
export function lockText(lock: Lock): string {
  switch (lock.kind) {
    case "row":
      return `rows of ${short(lock.table)}${rowsText(lock.rows)} FOR ${lock.strength}`;
    case "key":
      return `the key ${lock.index} of ${short(lock.table)}${rowsText(lock.rows)}`;
    case "table":
      return `table ${short(lock.table)} in ${lock.mode} mode`;
    case "advisory":
      return `advisory lock ${lock.key ?? "(unknown key)"}${lock.shared ? " (shared)" : ""}`;
  }
}

function short(table: string): string {
  return table.replace(/^public\./, "");
}
