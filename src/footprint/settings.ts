/** Settings that a footprint depends on; all others concern nobody but the session, and not how its statements are read. */
export function isWatchedSetting(name: string): boolean {
  return isIsolation(name) || isTimeout(name) || isLanguage(name);
}

/** Settings, and names by which the parser knows SET TRANSACTION and SET SESSION CHARACTERISTICS, of the isolation level. */
export function isIsolation(name: string): boolean {
  return /^(default_transaction_|transaction_)(isolation|read_only|deferrable)$|^(transaction|session characteristics)/i.test(
    name,
  );
}

/** Settings that make a wait end by itself, so that it matters whether there is one. */
export function isTimeout(name: string): boolean {
  return /^(lock|statement|transaction|idle_in_transaction_session)_timeout$/i.test(name);
}

/** Settings that make the same text another statement. */
export function isLanguage(name: string): boolean {
  return /^(standard_conforming_strings|backslash_quote|session_replication_role)$/i.test(name);
}
