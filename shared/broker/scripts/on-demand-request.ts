import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { READ_WAKE, UNUSABLE_VERSION } from './on-demand.ts';

/** A schedule whose time is over by less than this may still go off, ms: EventBridge has a minute for it, and some more. */
const PENDING_MS = 90_000;
/** Times that differ by less are the same minute, seen by two clocks, ms. */
const SAME_MS = 30_000;

/**
 * Ask for a run, in some time or before.
 *
 * KEYS  1 scheduler:wake:<system>  2 scheduler:lease:<system>
 * ARGV  time; in how many ms; 1 if the scheduler is to look then whatever it knows, else 0
 * Returns {the time (epoch ms)} if the schedule goes off early enough, else {the time, version, in how many ms} to set it
 *         to.
 */
export const requestWake = defineScript(
  'request-wake',
  `${NOW}${READ_ARGUMENTS}
local time, within, look = now(arg()), int(), arg() == '1'
${READ_WAKE}
local key, wanted = KEYS[1], time + within
local wake = readWake(key)
-- A run that is under way may have looked already.
if call('EXISTS', KEYS[2]) == 1 then try('HSET', key, 'requested', 1) end
if wake.unusable then return {time, ${UNUSABLE_VERSION}, 0} end
if look and wanted > (wake.lookAt or 0) then call('HSET', key, 'lookAt', string.format('%.0f', wanted)) end
local at = wake.at
-- One that was not set in time will not go off.
if not at or at > wanted + ${SAME_MS} or at < time - ${PENDING_MS} or (at <= time and wake.version ~= wake.set) then
  return {time, setAt(key, wanted), within}
end
if wake.version == wake.set then return {time} end
return {time, tonumber(wake.version) or ${UNUSABLE_VERSION}, at - time}
`,
);

/**
 * The schedule has been set to a version.
 *
 * KEYS  1 scheduler:wake:<system>
 * ARGV  time; version
 * Returns {the time (epoch ms)} if that is still the one, else {the time, version, in how many ms, or '' for never} to set
 *         it to: somebody else's may have come before ours.
 */
export const acknowledgeWake = defineScript(
  'acknowledge-wake',
  `${NOW}${READ_ARGUMENTS}
local time, version = now(arg()), arg()
${READ_WAKE}
local wake = readWake(KEYS[1])
if wake.unusable or version == '${UNUSABLE_VERSION}' then return {time} end
if wake.version ~= version then
  return {time, tonumber(wake.version) or ${UNUSABLE_VERSION}, wake.at and wake.at - time or ''}
end
call('HSET', KEYS[1], 'set', version)
return {time}
`,
);
