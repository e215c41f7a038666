import { defineJob } from '../../../shared/index.ts';

const perform = () => {};

/** Classes whose queues the tests' consumers drain. */
export default [
  defineJob({ class: 'Mail', queue: 'mailers', timeout: 60_000, perform }),
  defineJob({ class: 'Entry', queue: 'ledger', perform }),
  defineJob({ class: 'Anywhere', timeout: 600_000, perform }),
  defineJob({ class: 'Billing::*', queue: 'mailers', perform }),
];
