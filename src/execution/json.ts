import type { Json } from "./program.js";

/**
 * Any value as plain data: dates as ISO strings, buffers in Postgres' hex form, big integers as strings.
 *
 * @param within What it is part of: a client knows its pool, and the pool its clients.
 */
export function toJson(value: unknown, within: readonly object[] = []): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return value.toString();
    case "object":
      return value === null ? null : within.includes(value) ? "[circular]" : objectToJson(value, [...within, value]);
    default:
      return null;
  }
}

function objectToJson(value: object, within: readonly object[]): Json {
  const inner = (item: unknown) => toJson(item, within);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : value.toISOString();
  if (Buffer.isBuffer(value)) return `\\x${value.toString("hex")}`;
  if (Array.isArray(value)) return value.map(inner);
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (value instanceof Map || value instanceof Set) return [...value].map(inner);
  if ("toJSON" in value && typeof value.toJSON === "function") return inner(value.toJSON());
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]));
}
