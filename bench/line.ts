import type { Figure } from "./bench.js";

/** A figure on one line, e.g. `engine efficiency, 1 lane: 0.75 (0.71 to 0.80, 9 rounds; aim: at least 0.8)`. */
export function lineOf({ name, unit, value, samples, aim, details = {}, note }: Figure): string {
  const aimed = aim === undefined ? "" : `; aim: ${aim}`;
  const found =
    value === undefined
      ? "none"
      : `${short(value.median)}${unit === "ratio" ? "" : ` ${unit}`} (${short(value.min)} to ${short(value.max)}, of ${samples}${aimed})`;
  const parts = Object.entries(details).map(
    ([what, value]) => `${what}: ${typeof value === "number" ? short(value) : value}`,
  );
  return [`${name}: ${found}`, ...parts, ...(note === undefined ? [] : [note])].join("; ");
}

/** Three digits are more than such figures have. */
function short(value: number): string {
  const rounded = value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString("en-US", { maximumFractionDigits: 4 });
}
