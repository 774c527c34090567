import type { Writable } from "node:stream";

/** The part of a socket that does the writing. */
type Socket = Writable & {
  _write(chunk: Buffer, encoding: string, callback: (error?: Error | null) => void): void;
  _writev?: (chunks: readonly { readonly chunk: Buffer }[], callback: (error?: Error | null) => void) => void;
};

/**
 * Has what the driver sends for one query (parse, bind, describe, execute, sync) leave in one piece. Node would hand the
 * pieces to `writev`, which costs several times as much as one `write` where system calls are slow.
 */
export function inOneWrite(stream: object): void {
  const socket = stream as Socket;
  socket._writev = (chunks, callback) =>
    socket._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "buffer", callback);
}
