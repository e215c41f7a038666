import { defineConfig } from 'vitest/config';
import { aliases } from './functions/contract/bundling.ts';

const SHIFT_DATE = new URL('./test/helpers/shift-date.cjs', import.meta.url).pathname;

/** What depends on time, but for what takes long: none of those asks what time it is, or each sets the clocks itself. */
const timeDependent = ['test/{unit,integration}/scheduler/**/*.test.ts', 'test/unit/{worker,client,date}/**/*.test.ts'];
const slow = [
  'test/integration/scheduler/{cron-once,garbage,month,on-demand,scheduled-view}.test.ts',
  'test/integration/scheduler/promote-{load,race,ruby}.test.ts',
  'test/unit/scheduler/autoscale.test.ts',
  'test/unit/worker/prefetch-distance.test.ts',
];

export default defineConfig({
  resolve: {
    alias: [
      { find: 'lambdesque-upstash-http', replacement: aliases('upstash', '')['lambdesque-upstash-http'] ?? '' },
      { find: /^lambdesque$/, replacement: new URL('./shared/index.ts', import.meta.url).pathname },
      { find: /^lambdesque\/testing$/, replacement: new URL('./shared/testing/index.ts', import.meta.url).pathname },
      { find: /^lambdesque\/lambda$/, replacement: new URL('./functions/lambda/index.ts', import.meta.url).pathname },
      {
        find: /^lambdesque\/opentelemetry$/,
        replacement: new URL('./shared/opentelemetry/index.ts', import.meta.url).pathname,
      },
      { find: /^lambdesque\/cdk$/, replacement: new URL('./infra/index.ts', import.meta.url).pathname },
    ],
  },
  test: {
    // Longer than a test waits for one thing, which then says what did not come (PATIENCE in test/helpers/eventually.ts).
    testTimeout: 200_000,
    hookTimeout: 200_000,
    // Files one after the other in a few processes, which saves every file the start of its own and the modules it shares.
    isolate: false,
    setupFiles: ['./test/helpers/setup.ts'],
    globalSetup: ['./test/helpers/shared-folders.ts'],
    // Many wait for processes and leases: three files beside each other keep two cores busy.
    maxWorkers: 3,
    reporters: ['default'],
    projects: [
      { extends: true, test: { name: 'today', include: ['test/**/*.test.ts'] } },
      // The same tests with the date moved: one that depends on it would fail in every clone some day.
      {
        extends: true,
        test: {
          name: 'in a year',
          include: timeDependent,
          exclude: slow,
          // In the tests' process, and in those that they start.
          env: { SHIFT_DATE: '+400d', NODE_OPTIONS: `--require ${SHIFT_DATE}` },
        },
      },
    ],
  },
});
