import Module from "node:module";
import { gateClient, gatePool } from "./pg.js";

interface Loader {
  _extensions: Record<string, (module: { exports: unknown }, file: string) => void>;
  _cache: Record<string, { exports: unknown } | undefined>;
}

const key = Symbol.for("raceproof.intercepts");

/**
 * Gates every copy of `pg` and `pg-pool` in this process: those that are loaded already, and those that will be, by
 * whichever library and under whatever name. (Both are CommonJS, also for those who import them.)
 */
export function interceptPg(): void {
  const registry = globalThis as { [key]?: true };
  if (registry[key] === true) return;
  registry[key] = true;
  const loader = Module as unknown as Loader;
  for (const module of Object.values(loader._cache)) gateIfPg(module?.exports);
  const load = loader._extensions[".js"]!;
  loader._extensions[".js"] = function (this: unknown, module, file) {
    load.call(this, module, file);
    gateIfPg(module.exports);
  };
}

/** By its methods: a copy may have been installed under another name. */
function gateIfPg(exports: unknown): void {
  const prototype: unknown = typeof exports === "function" ? exports.prototype : undefined;
  if (typeof prototype !== "object" || prototype === null) return;
  if (Object.hasOwn(prototype, "getStartupConf") && Object.hasOwn(prototype, "connect")) gateClient(prototype);
  else if (Object.hasOwn(prototype, "newClient") && Object.hasOwn(prototype, "connect")) gatePool(prototype);
}
