import { defineConfig } from 'vitest/config';
import { aliases } from './functions/contract/bundling.ts';

export default defineConfig({
  resolve: {
    alias: [
      { find: 'lambdesque-upstash-http', replacement: aliases('upstash', '')['lambdesque-upstash-http'] ?? '' },
      { find: /^lambdesque$/, replacement: new URL('./shared/index.ts', import.meta.url).pathname },
      {
        find: /^lambdesque\/(tcp|upstash)$/,
        replacement: new URL('./shared/broker/redis/$1.ts', import.meta.url).pathname,
      },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default'],
  },
});
