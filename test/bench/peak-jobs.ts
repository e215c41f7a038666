/** Jobs of the consumer whose memory, and whose first start, is measured. */
import { defineJob } from '../../shared/index.ts';

export default [
  defineJob({ class: 'Bench', perform() {} }),
  defineJob({
    class: 'First',
    perform() {
      console.log(JSON.stringify({ startedAt: Date.now() }));
    },
  }),
  defineJob({
    class: 'Peak',
    perform() {
      console.log(JSON.stringify({ maxRSS: process.resourceUsage().maxRSS }));
    },
  }),
];
