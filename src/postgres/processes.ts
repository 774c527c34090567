import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync, statSync } from "node:fs";

/**
 * When a process started, in a form that only serves comparing: with its pid it names one process for good, as pids are
 * used again. `undefined` when there is no such process, or when it has ended and only its parent has not noticed.
 */
export function processStart(pid: number): string | undefined {
  return process.platform === "linux" ? linuxStart(pid) : otherStart(pid);
}

function linuxStart(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses and may hold anything, blanks and parentheses included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields[0], fields[19]];
  return state === "Z" || state === "X" ? undefined : `${bootId()}/${startTicks}`;
}

/** Ticks are counted from the boot, so a start time says nothing without it. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

function otherStart(pid: number): string | undefined {
  const line = ps(pid, "stat=,lstart=");
  return line === undefined || line.startsWith("Z") ? undefined : line.slice(line.indexOf(" ")).trim();
}

/** The world in which pids mean something: a container may share a folder with us, but not its pids. */
export function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** Whose process it is and how it was called, its arguments separated by zero bytes or blanks; `undefined` when it is gone. */
export function describeProcess(pid: number): { uid: number; command: string } | undefined {
  if (process.platform !== "linux") {
    const line = /^(\d+)\s+(.*)$/s.exec(ps(pid, "uid=,command=") ?? "");
    return line === null ? undefined : { uid: Number(line[1]), command: line[2]! };
  }
  try {
    return { uid: statSync(`/proc/${pid}`).uid, command: readFileSync(`/proc/${pid}/cmdline`, "utf8") };
  } catch {
    return undefined;
  }
}

function ps(pid: number, format: string): string | undefined {
  try {
    const answer = execFileSync("ps", ["-p", String(pid), "-o", format], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, LC_ALL: "C" },
    });
    return answer.trim() || undefined;
  } catch {
    return undefined;
  }
}
