import { defineScript } from '../redis/client.ts';

/** An alarm whose time is over by less than this may still go off, ms: EventBridge has a minute for it, and some more. */
const PENDING = 90_000;

/*
 * The hash `scheduler:wake` says when the scheduler is to run next:
 *   at       when the alarm is to go off, epoch ms; '' for never
 *   version  rises with each change of `at`
 *   told     the version that the alarm clock has
 *   cover    a time, epoch ms, at which the scheduler looks whatever it knows: some worker may be about to take a lease
 *   rung     1 if somebody asked for another look during a run
 */

/**
 * Ask for a run, at some time or before.
 *
 * KEYS  1 scheduler:wake  2 scheduler:lease
 * ARGV  the time, now (both epoch ms); 1 if the scheduler is to look at that time whatever it knows, else 0
 * Returns {version, at} to tell the alarm clock, or {} if it knows of an early enough time.
 */
export const requestWake = defineScript(
  'ask-wake',
  `
local wanted, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local fields = redis.call('HMGET', KEYS[1], 'at', 'version', 'told', 'cover')
local at, version, told = tonumber(fields[1] or ''), fields[2], fields[3]
if ARGV[3] == '1' and wanted > (tonumber(fields[4] or '') or 0) then redis.call('HSET', KEYS[1], 'cover', ARGV[1]) end
-- A run that is under way may have looked already.
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[1], 'rung', 1) end
-- One that the clock was not told of in time will not go off.
if not at or at > wanted or at < now - ${PENDING} or (at <= now and version ~= told) then
  version = redis.call('HINCRBY', KEYS[1], 'version', 1)
  redis.call('HSET', KEYS[1], 'at', ARGV[1])
  return {version, ARGV[1]}
end
if version == told then return {} end
return {tonumber(version), fields[1]}
`,
);

/**
 * The alarm clock has been told a version.
 *
 * KEYS  1 scheduler:wake
 * ARGV  version
 * Returns {} if that is still the one, else {version, at} to tell it: somebody else's may have come before ours.
 */
export const ackWake = defineScript(
  'told-wake',
  `
local fields = redis.call('HMGET', KEYS[1], 'at', 'version')
if fields[2] ~= ARGV[1] then return {tonumber(fields[2] or '0'), fields[1] or ''} end
redis.call('HSET', KEYS[1], 'told', ARGV[1])
return {}
`,
);
