import { defineConfig } from "vitest/config";

// Times and numbers in words depend on the zone and the language of a machine. This zone has summer time.
process.env.TZ = "Europe/Berlin";
process.env.LC_ALL = "en_US.UTF-8";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // A process for each file would take twice as long.
    isolate: false,
    setupFiles: ["tests/setup.ts"],
  },
});
