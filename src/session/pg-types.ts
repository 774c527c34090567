import type { EventEmitter } from "node:events";
import type { ClientConfig } from "pg";

// The parts of `pg` that the gate touches, as they are in every 8.x, whichever copy of it the code under test brought.

export interface PgNotice {
  readonly severity?: string;
  readonly message?: string;
  readonly where?: string;
}

interface PgConnection {
  readonly stream: { destroy(): void };
  on(event: "readyForQuery", listener: (message: { status: string }) => void): void;
}

export interface PgClient extends EventEmitter {
  readonly processID: number | null;
  readonly connection: PgConnection;
  connectionParameters: Record<string, unknown>;
  connect(callback?: (error: unknown) => void): Promise<unknown> | undefined;
  query(config: unknown, values?: unknown, callback?: unknown): unknown;
  end(callback?: (error: unknown) => void): Promise<void> | undefined;
  /** Set while it is checked out of a pool. */
  release?: (destroy?: boolean | Error) => void;
}

export type PgClientClass = new (config?: ClientConfig) => PgClient;

export interface PgPool extends EventEmitter {
  readonly Client: PgClientClass;
  readonly options: Readonly<Record<string, unknown>> & { readonly max: number };
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  connect(callback?: Checkout): Promise<PgClient> | undefined;
  query(...args: unknown[]): unknown;
  end(callback?: () => void): Promise<void> | undefined;
}

export type PgPoolClass = new (options: Record<string, unknown>, client: PgClientClass) => PgPool;

export type Checkout = (error: unknown, client?: PgClient, release?: (destroy?: unknown) => void) => void;

/** A method of `pg`'s that was replaced. */
export type Original<T> = (this: T, ...args: unknown[]) => unknown;

/** What `query` takes in place of a text. */
export interface QueryConfig {
  readonly text?: string;
  readonly values?: unknown;
  readonly submit?: unknown;
  readonly callback?: unknown;
}
