import { defineConfig } from 'vitest/config';

/** A run of its own, `npm run e2e:deploy`: minutes of real time, of which most are waits for AWS's minute. */
export default defineConfig({
  test: {
    root: new URL('../../..', import.meta.url).pathname,
    include: ['test/e2e/deploy/*.e2e.ts'],
    // On a busy machine a deployment takes minutes.
    testTimeout: 400_000,
    hookTimeout: 400_000,
    // Each test goes on from where the one before it has left the deployment.
    bail: 1,
    reporters: ['verbose'],
  },
});
