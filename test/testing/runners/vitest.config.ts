import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { root: import.meta.dirname, include: ["**/*.race.ts"], maxWorkers: 2, testTimeout: 5_000 },
});
