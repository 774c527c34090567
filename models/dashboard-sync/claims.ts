import type { Claim } from "../../src/index.js";
export const claims: readonly Claim[] = [];
