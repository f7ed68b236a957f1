import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: fileURLToPath(new URL("..", import.meta.url)),
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // Most tests wait for daemons rather than compute, so a few more than two cores' worth.
    maxWorkers: 3,
    maxConcurrency: 5,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
