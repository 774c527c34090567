import type { Catalog, Table } from "../../src/footprint/catalog.js";

const column = (name: string) =>
  [
    name,
    { name, type: { family: "integer", limited: false }, default: null, identity: false, generated: false },
  ] as const;

const t: Table = {
  kind: "table",
  name: "public.t",
  several: false,
  columns: new Map([column("id"), column("n")]),
  uniques: [],
  foreignKeys: [],
  referencedBy: [],
  triggers: [],
  computed: [],
  opaque: undefined,
};

/** A database with one table, `t (id int, n int)`, and no keys. */
export const catalog: Catalog = {
  relations: new Map([["t", [t]]]),
  routines: new Map(),
  builtins: new Map(),
  surprise: undefined,
};
