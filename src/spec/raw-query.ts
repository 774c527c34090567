/** What Postgres answered to one statement of a text, as text. */
export type RawResult =
  | {
      readonly kind: "rows";
      readonly columns: readonly string[];
      readonly rows: readonly (readonly (string | null)[])[];
    }
  | { readonly kind: "command" }
  | { readonly kind: "error"; readonly severity: string | undefined; readonly message: string };

interface Connection {
  query(text: string): void;
  sendCopyFail(message: string): void;
}

/**
 * A query object for `pg` that sends a text as one message of the simple protocol, and keeps the results of all its
 * statements up to the one that failed: `pg`'s own query forgets them. Values stay as Postgres wrote them.
 */
export class RawQuery {
  readonly text: string;
  /** Settles once all results are there; never rejects, an error is a result. */
  readonly results: Promise<readonly RawResult[]>;
  /** What `pg` calls a query without handlers back with. */
  callback = (): void => undefined;
  readonly #results: RawResult[] = [];
  #finish!: () => void;
  #columns: readonly string[] = [];
  #rows: (readonly (string | null)[])[] | undefined;

  constructor(text: string) {
    this.text = text;
    this.results = new Promise((resolve) => {
      this.#finish = () => resolve(this.#results);
    });
  }

  /**
   * In front of which result, from 1, libpq tells of a notice that comes now: it reads on behind a result's end for as long
   * as there are notices, and then hands the result out.
   */
  get next(): number {
    return this.#rows === undefined ? Math.max(1, this.#results.length) : this.#results.length + 1;
  }

  submit(connection: Connection): null {
    connection.query(this.text);
    return null;
  }

  handleRowDescription({ fields }: { readonly fields: readonly { readonly name: string }[] }): void {
    this.#columns = fields.map(({ name }) => name);
    this.#rows = [];
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    this.#rows?.push(fields);
  }

  handleCommandComplete(): void {
    this.#results.push(
      this.#rows === undefined ? { kind: "command" } : { kind: "rows", columns: this.#columns, rows: this.#rows },
    );
    this.#rows = undefined;
  }

  handleEmptyQuery(): void {
    this.#results.push({ kind: "command" });
  }

  handlePortalSuspended(): void {
    // Only the extended protocol has portals that pause.
  }

  handleCopyInResponse(connection: Connection): void {
    connection.sendCopyFail("a step of a spec has no data to copy");
  }

  handleCopyData(): void {
    // What COPY TO STDOUT sends is not shown.
  }

  handleError(error: Error & { readonly severity?: string }): void {
    this.#results.push({ kind: "error", severity: error.severity, message: error.message });
    this.#finish();
  }

  handleReadyForQuery(): void {
    this.#finish();
  }
}
