import { defineScript } from '../redis/client.ts';

/** By so much the clock of a function may be behind that of EventBridge, ms. */
const SKEW = 10_000;

// What the fields of the hash `scheduler:wake` mean is told in wake.ts.

/** What the end of a run answers when somebody asked for another look meanwhile. */
export const LOOK_AGAIN = -1;

/**
 * Begin a run: take the right to tick. An alarm whose time has come is the one that started this run, or is of no more use:
 * should the run die, whoever is started again for it has to set the next one.
 *
 * KEYS  1 scheduler:wake  2 scheduler:lease
 * ARGV  who runs; how long it holds, ms; now (epoch ms)
 * Returns 1 if it holds, 0 while another does.
 */
export const beginRun = defineScript(
  'begin-run',
  `
local fields = redis.call('HMGET', KEYS[1], 'at', 'version', 'told')
local at = tonumber(fields[1] or '')
if at and at <= tonumber(ARGV[3]) + ${SKEW} then
  local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
  redis.call('HSET', KEYS[1], 'at', '')
  if fields[2] == fields[3] then redis.call('HSET', KEYS[1], 'told', version) end
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
`,
);

/**
 * Extend the right to tick. Has somebody asked for another look? Forgets it.
 *
 * KEYS  1 scheduler:wake  2 scheduler:lease
 * ARGV  who ticks; how long it holds, ms
 * Returns 1 or 0.
 */
export const extendRun = defineScript(
  'heed-wake',
  `
local holder = redis.call('GET', KEYS[2])
if not holder or holder == ARGV[1] then redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2]) end
return redis.call('HDEL', KEYS[1], 'rung')
`,
);

/**
 * End a run: set the time of the next one, and give the right to tick up; in one step, so that whoever asks either
 * keeps this run from its end or moves the time that it has set. A run that has lost its right moves no time to later:
 * another has seen more.
 *
 * KEYS  1 scheduler:wake  2 scheduler:lease
 * ARGV  who ran; time of the next run (epoch ms) or ''; now; '' to look again if somebody has
 *       asked for it, or when the next run is to do so (epoch ms)
 * Returns {LOOK_AGAIN}, or {version, at} to tell the alarm clock, or {} if it is disarmed and stays so. A time is told
 *         even if the clock knew it: that clock may have gone with its stack, while Redis stayed.
 */
export const endRun = defineScript(
  'end-run',
  `
local fields = redis.call('HMGET', KEYS[1], 'at', 'version', 'told', 'cover')
local at, known = tonumber(fields[1] or ''), fields[2] == fields[3]
local next, now = ARGV[2], tonumber(ARGV[3])
local function earlier(text)
  local time = tonumber(text or '')
  if time and time > now and (next == '' or time < tonumber(next)) then next = text end
end
if redis.call('GET', KEYS[2]) == ARGV[1] then
  if redis.call('HDEL', KEYS[1], 'rung') == 1 then
    if ARGV[4] == '' then return {${LOOK_AGAIN}} end
    earlier(ARGV[4])
  end
  if tonumber(fields[4] or '0') <= now then redis.call('HDEL', KEYS[1], 'cover') end
  redis.call('DEL', KEYS[2])
else
  earlier(fields[1])
end
earlier(fields[4])
if next == '' and not at and (known or not fields[3]) then return {} end
local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'at', next)
return {version, next}
`,
);
