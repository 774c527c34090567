import { spawn, type ChildProcess } from "node:child_process";
import { Socket } from "node:net";

import type { Account } from "./identity.js";

/**
 * The shell that everything in a server's directory runs under: making the cluster, then Postgres itself.
 *
 * It holds the other end of a pipe from us (descriptor 5). When that closes, and a pipe closes however its owner ended,
 * `kill -9` included, it ends what runs, removes the directory and exits. When Postgres ends by itself it exits too, but
 * leaves the directory, since its owner wants to read the log.
 *
 * Descriptor 3 is the saved cluster: read from with `restore`, written to with `save`.
 *
 * A server that is shared by several processes has a fifo, `hold`: whoever uses it has that open for writing, and writes a
 * line when it comes, which is answered by a file; so the kernel counts the users, however they end. Two seconds after the
 * last one it is over, unless somebody comes. What opens the fifo besides users is there to end the waiting for one.
 *
 * Worth knowing about sh: a background command gets /dev/null as its input, hence the copy of descriptor 0, and ignores
 * SIGINT and SIGQUIT until it sets a handler of its own, as Postgres does. What makes the cluster is ended by SIGTERM, to
 * the whole process group, which is ours alone; the shell around it, having a trap, waits for it before it exits. A signal
 * that comes while that shell turns into Postgres may be lost, hence the repetition. Backends may be stopped (waiters are let
 * go one at a time), and what is stopped does not end: they are woken before.
 */
const script = `
run=$1 cluster=$2 bin=$3 initdb=$4 shared=$5
shift 5
exec 5<&0 0</dev/null 1>>"$run/log" 2>&1
[ "$shared" = no ] || mkfifo -m 600 "$run/hold" || exit 1
nudge() { if [ -p "$run/hold" ]; then : >"$run/hold"; fi; }
while_held() {
  (read -r _ <&5; nudge) &
  exec 5<&-
  held=yes
  while [ "$held" = yes ]; do
    held=no
    exec 6<"$run/hold"
    while read -r user <&6; do : >"$run/user-$user"; held=yes; done
    exec 6<&-
    (sleep 2; nudge) &
  done
  exec 6<>"$run/hold"
  rm -f "$run/hold"
  exec 6<&-
}
(
  trap 'exit 1' TERM
  exec 5<&-
  if [ "$cluster" = restore ]; then
    mkdir -m 700 "$run/data" && tar -xf - -C "$run/data" <&3 || exit 1
  else
    "$bin/initdb" -D "$run/data" $initdb || exit 1
    if [ "$cluster" = save ]; then tar -cf - -C "$run/data" . >&3 && : >"$run/saved"; fi
  fi
  exec 3>&- "$bin/postgres" -D "$run/data" -k "$run" "$@"
) &
server=$!
exec 3>&-
trap '' HUP INT QUIT TERM
(
  if [ "$shared" = no ]; then read -r _ <&5; else while_held; fi
  : >"$run/released"
  exec 2>/dev/null
  kill -TERM 0
  tries=0
  while [ $tries -lt 20 ]; do
    kill -CONT $(cat "/proc/$server/task/$server/children" || pgrep -P "$server")
    kill -QUIT "$server" || break
    sleep 0.2
    tries=$((tries + 1))
  done
  kill -KILL "$server"
) &
watcher=$!
wait "$server"
status=$?
kill -KILL "$watcher" 2>/dev/null
rm -f "$run/hold"
if [ -e "$run/released" ]; then rm -rf "$run" || { sleep 1; rm -rf "$run"; }; fi
exit "$status"
`;

/** What a guardian is started with. */
export interface Charge {
  /** The server's directory, reachable and writable for `account`. */
  readonly run: string;
  readonly bin: string;
  readonly env: Record<string, string>;
  readonly account: Account | undefined;
  /** Whether the cluster is made new, made new and saved, or taken from where it was saved. */
  readonly cluster: "make" | "save" | "restore";
  /** An open file: where the cluster is saved to or restored from. */
  readonly saved: number | undefined;
  /** Whether it lives as long as anybody has its fifo open, and not as long as we do. */
  readonly shared: boolean;
  readonly initdbOptions: readonly string[];
  readonly postgresOptions: readonly string[];
}

/** Watches over one server, and ends it when we end. */
export class Guardian {
  readonly #child: ChildProcess;
  /** Settles when it has exited, with what it exited by, e.g. `exit code 1`. */
  readonly exited: Promise<string>;

  constructor(charge: Charge) {
    const { run, cluster, bin, shared, initdbOptions, postgresOptions, env, account } = charge;
    const positional = [run, cluster, bin, initdbOptions.join(" "), shared ? "yes" : "no", ...postgresOptions];
    this.#child = spawn("/bin/sh", ["-c", script, "raceproof-guardian", ...positional], {
      // In a session of its own: a Ctrl-C in the terminal goes to us, who may still need the server for a moment.
      detached: true,
      cwd: "/",
      env,
      stdio: ["pipe", "ignore", "ignore", charge.saved ?? "ignore"],
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
    this.exited = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    this.#child.stdin!.on("error", () => {});
    // A program that forgets to stop its server can still end; the pipe closes then, and so does the server.
    this.#child.unref();
    if (this.#child.stdin instanceof Socket) this.#child.stdin.unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends the server and removes its directory; settles when both is done. */
  async release(): Promise<void> {
    this.#child.ref();
    this.#child.stdin!.destroy();
    await this.exited;
  }
}
