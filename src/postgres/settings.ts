import type { Admin } from "./admin.js";

/**
 * Settings for data that is thrown away. None of them changes what a statement sees or which lock it takes.
 *
 * What the sessions of a run need (`deadlock_timeout` and the like) they set themselves, since they do so on every server.
 */
export const throwAwaySettings: Readonly<Record<string, string>> = {
  // A crash of the machine may cost the data.
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  // Nothing is replicated or archived, and the log stays small enough to be kept in memory.
  wal_level: "minimal",
  max_wal_senders: "0",
  min_wal_size: "32MB",
  max_wal_size: "64MB",
  // Its workers would come at moments of their own choosing.
  autovacuum: "off",
  // Short statements on small tables gain nothing by these.
  jit: "off",
  max_parallel_workers_per_gather: "0",
  max_connections: "300",
  shared_buffers: "128MB",
  // Every error that the code under test provokes would be written down otherwise.
  log_min_messages: "fatal",
};

/** The same as command-line arguments of `postgres`. */
export function settingArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** What is asked of every server once. */
export interface ServerFacts {
  /** E.g. `18.4`, without what a distribution adds to it. */
  readonly version: string;
  readonly major: number;
  readonly superuser: boolean;
  /** Settings that differ from what Postgres ships with. */
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Where things are, what is logged and in which language says nothing about how a run went; and a path that differs from
 * run to run would make two equal reports differ.
 */
const factsQuery = `
  select split_part(current_setting('server_version'), ' ', 1) as version,
         current_setting('server_version_num')::int / 10000 as major,
         rolsuper as superuser,
         (select coalesce(json_object_agg(name, current_setting(name) order by name), '{}')
            from pg_settings
           where setting is distinct from boot_val
             and source in ('environment variable', 'configuration file', 'command line', 'global', 'database', 'user', 'database user')
             and category not like 'Reporting and Logging%'
             and category not in ('File Locations', 'Connections and Authentication / Authentication', 'Connections and Authentication / SSL')
             and name not in ('unix_socket_directories', 'listen_addresses', 'port', 'cluster_name', 'default_text_search_config')
             and name !~ '^lc_|_command$|conninfo') as settings
    from pg_roles where rolname = current_user`;

export async function askFacts(admin: Admin): Promise<ServerFacts> {
  const [facts] = await admin.query<ServerFacts>(factsQuery);
  return facts!;
}
