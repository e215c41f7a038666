/** Jobs of the consumer whose memory, and whose first start, is measured. */
import { defineJob } from '../../shared/index.ts';

export default [
  defineJob({ class: 'Bench', perform() {} }),
  defineJob({
    class: 'First',
    perform() {
      process.stdout.write(`${JSON.stringify({ startedAt: Date.now() })}\n`);
    },
  }),
  defineJob({
    class: 'Peak',
    perform() {
      process.stdout.write(`${JSON.stringify({ maxRSS: process.resourceUsage().maxRSS })}\n`);
    },
  }),
];
