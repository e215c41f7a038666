import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { CRON_STATE } from './cron.ts';
import { DUE_TIMES } from './due-times.ts';

/**
 * What a tick looks at first: one call where nothing is due.
 *
 * KEYS  1-6 those of `dueTimes`  7-13 those of `readCron`
 * ARGV  time; '', '', '', ''; what `cronState` needs
 * Returns {answer of `dueTimes`, answer of `readCron`}.
 */
export const readSnapshot = defineScript(
  'snapshot',
  `${NOW}${READ_ARGUMENTS}${DUE_TIMES}${CRON_STATE}
local time = now(arg())
local due = dueTimes(1, time)
return {due, cronState(7, time)}
`,
);
