import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { lambdesque: new URL('./shared/index.ts', import.meta.url).pathname } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default'],
  },
});
