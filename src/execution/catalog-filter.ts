/** Of a query over `pg_namespace n`: that the schema is none of Postgres' own. */
export const ours =
  "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_toast%' and n.nspname not like 'pg\\_temp%'";
