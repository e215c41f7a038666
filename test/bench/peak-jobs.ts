/** Jobs of the consumer whose memory is measured. */
import { defineJob } from '../../shared/index.ts';

export default [
  defineJob({ class: 'Bench', perform() {} }),
  defineJob({
    class: 'Peak',
    perform() {
      console.log(JSON.stringify({ maxRSS: process.resourceUsage().maxRSS }));
    },
  }),
];
