import { styleText } from "node:util";
import { exitCode } from "../errors.js";
import { examine, type Finding } from "../postgres/doctor.js";
import { version } from "../version.js";
import { lookOf } from "./terminal.js";

export interface DoctorFlags {
  readonly postgres?: string;
  readonly json?: boolean;
}

const marks = { ok: "✓", warn: "!", missing: "✗" } as const;
const colors = { ok: "green", warn: "yellow", missing: "red" } as const;

/** `raceproof doctor` */
export async function doctorCommand({ postgres, json }: DoctorFlags): Promise<number> {
  const { works, findings } = await examine(postgres);
  if (json === true) {
    process.stdout.write(
      `${JSON.stringify({ raceproof: version, node: process.version, works, findings }, null, 2)}\n`,
    );
  } else {
    process.stdout.write(`raceproof ${version}, Node ${process.version}, ${process.platform}-${process.arch}\n\n`);
    for (const finding of findings) process.stdout.write(`${text(finding)}\n`);
    process.stdout.write(works ? "\nReady: raceproof can run here.\n" : "\nNot ready: see what is marked ✗ above.\n");
  }
  return works ? exitCode.ok : exitCode.inconclusive;
}

function text({ what, state, detail, advice }: Finding): string {
  const mark = lookOf(process.stdout).color
    ? styleText(colors[state], marks[state], { validateStream: false })
    : marks[state];
  return `${mark} ${what.padEnd(12)} ${detail}${advice === undefined ? "" : `\n${" ".repeat(15)}→ ${advice}`}`;
}
