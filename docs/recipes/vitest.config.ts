import { defineConfig } from "vitest/config";

const shared = {
  root: import.meta.dirname,
  include: ["*/race.test.ts"],
  // All files of a worker may share what is loaded: loading takes longer than most of the races.
  isolate: false,
};

// Each race twice: with the broken code, and with the correct code in its place.
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: "broken" } },
      {
        resolve: { alias: [{ find: /^\.\/broken\.js$/, replacement: "./correct.js" }] },
        test: { ...shared, name: "correct" },
      },
    ],
  },
});
