import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Child processes of vitest inherit `--conditions development`, which would pick other files than users get.
    execArgv: [],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
