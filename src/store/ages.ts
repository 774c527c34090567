import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import path from "node:path";

/** Since when a file is there, and who says so. */
export interface Since {
  readonly time: Date;
  /** The commit that brought it, or the file itself where it is not committed. */
  readonly by: "git" | "file";
}

/** Since when files of one folder are there, by their names in it. Nothing in them says so: they are the same for everybody who finds them. */
export async function sinceWhen(folder: string, names: readonly string[]): Promise<Map<string, Since>> {
  const committed = await commitTimes(folder);
  const all = names.map(async (name): Promise<[string, Since]> => {
    const time = committed.get(name);
    return time === undefined
      ? [name, { time: (await stat(path.join(folder, name))).mtime, by: "file" }]
      : [name, { time, by: "git" }];
  });
  return new Map(await Promise.all(all));
}

/** When each file was added for the first time; empty where there is no git, or no repository. */
async function commitTimes(folder: string): Promise<Map<string, Date>> {
  const log = await git(folder, ["log", "--diff-filter=A", "--format=%x00%ct", "--name-only", "--relative", "--", "."]);
  const times = new Map<string, Date>();
  // The newest commit comes first, so an older one replaces it.
  for (const entry of log.split("\0")) {
    const [seconds, ...names] = entry.split("\n").filter((line) => line !== "");
    for (const name of names) times.set(name, new Date(Number(seconds) * 1000));
  }
  return times;
}

function git(folder: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile("git", ["-C", folder, ...args], { maxBuffer: 64 << 20 }, (error, stdout) =>
      resolve(error === null ? stdout : ""),
    );
  });
}
