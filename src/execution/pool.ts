import { Pool } from "pg";

/**
 * The pool that implementations and operations are handed, one for the whole process. Every lane keeps connections of
 * its own for each pool it has met, until it is closed: a new pool for each execution, or each program that is shrunk,
 * uses up the server's connections.
 */
export const assignedPool = new Pool();
