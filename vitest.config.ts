import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Child processes of vitest inherit `--conditions development`, which would pick other files than users get.
    execArgv: [],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // `.ci/run` counts from the file.
    ...(process.env.CI ? { reporters: ['default', 'json'], outputFile: { json: 'coverage/tests.json' } } : {}),
  },
})
