import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { CRON_STATE } from './cron.ts';
import { DUE_TIMES } from './due-times.ts';
import { READ_WAKE, UNUSABLE_VERSION } from './on-demand.ts';
import { ACQUIRE } from './scheduler-lock.ts';

/** The schedule may go off so much before its time, ms: clocks differ by seconds. */
const EARLY_MS = 10_000;

/** What the end of a run answers when somebody asked for another look meanwhile. */
export const LOOK_AGAIN = -1;

/**
 * Begin a run: take the scheduler's lock. A schedule whose time has come is the one that started this run, or is of no more
 * use: should the run die, whoever is started again for it has to set the next one.
 *
 * KEYS  1 scheduler:wake:<system>  2 scheduler:lease:<system>  3-8 those of `dueTimes`  9-15 those of `readCron`
 * ARGV  time; who runs; how long it holds, ms; '', '', '', ''; what `cronState` needs
 * Returns {0} while another holds it, else {1, answer of `dueTimes`, answer of `readCron`}.
 */
export const beginRun = defineScript(
  'begin-run',
  `${NOW}${READ_ARGUMENTS}${ACQUIRE}${DUE_TIMES}${CRON_STATE}
local time, holder, ms = now(arg()), arg(), arg()
${READ_WAKE}
local wake = readWake(KEYS[1])
if wake.at and wake.at <= time + ${EARLY_MS} then
  local version = setAt(KEYS[1], nil)
  if wake.version == wake.set then call('HSET', KEYS[1], 'set', version) end
end
if not acquire(KEYS[2], holder, ms) then return {0} end
local due = dueTimes(3, time)
return {1, due, cronState(9, time)}
`,
);

/**
 * Extend the lock. Has somebody asked for another look? Forgets it.
 *
 * KEYS  1 scheduler:wake:<system>  2 scheduler:lease:<system>
 * ARGV  who runs; how long it holds, ms
 * Returns 1 or 0.
 */
export const extendRun = defineScript(
  'extend-run',
  `${READ_ARGUMENTS}${ACQUIRE}
acquire(KEYS[2], arg(), arg())
return try('HDEL', KEYS[1], 'requested') or 0
`,
);

/**
 * End a run: say when the next one is needed, and give the lock up; in one step, so that whoever asks either keeps this run
 * from its end or moves the time that it has set. A run that has lost its lock moves no time to later: another has seen more.
 *
 * KEYS  1 scheduler:wake:<system>  2 scheduler:lease:<system>
 * ARGV  time; who ran; in how many ms the next run is needed, or ''; '' to look again if somebody has asked for it, or in how
 *       many ms the next run is to do so
 * Returns {the time (epoch ms), LOOK_AGAIN}, or {the time, version, in how many ms, or '' for never} to set the schedule to,
 *         or {the time} if it goes off never and stays so. A time is answered even if the schedule has it: it may have gone with
 *         its stack, while Redis stayed.
 */
export const endRun = defineScript(
  'end-run',
  `${NOW}${READ_ARGUMENTS}
local time, holder, within, again = now(arg()), arg(), int(), int()
${READ_WAKE}
local key, wake = KEYS[1], readWake(KEYS[1])
local at = within and time + within
local function earlier(other)
  if other and other > time and (not at or other < at) then at = other end
end
if try('GET', KEYS[2]) == holder then
  if try('HDEL', key, 'requested') == 1 then
    if not again then return {time, ${LOOK_AGAIN}} end
    earlier(time + again)
  end
  if wake.lookAt and wake.lookAt <= time then call('HDEL', key, 'lookAt') end
  call('DEL', KEYS[2])
else
  earlier(wake.at)
end
if wake.unusable then return {time, ${UNUSABLE_VERSION}, 0} end
earlier(wake.lookAt)
if not at and not wake.at and (wake.version == wake.set or not wake.set) then return {time} end
return {time, setAt(key, at), at and at - time or ''}
`,
);
