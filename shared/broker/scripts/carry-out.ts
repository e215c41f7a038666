import { READ_ARGUMENTS } from '../ops/call.ts';
import { CANCELLED } from '../ops/cancelled.ts';
import { CARRY_OUT } from '../ops/operation.ts';
import { PHP_STATUS } from '../ops/php-status.ts';
import { RELOCK } from '../ops/relock.ts';
import { REMOVED } from '../ops/removed.ts';
import { REQUEUED } from '../ops/requeued.ts';
import { STEP_LOST } from '../ops/step-lost.ts';
import { UNLOCK } from '../ops/unlock.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { LOCKS } from './locks.ts';

/** Lua: the effects of what is done with a job that waits, behind READ_ARGUMENTS and `time`; `carryOut(held)` reads them. */
export const WAITING_EFFECTS = `${LOCKS}
local effects = {}
${REMOVED}${REQUEUED}${STEP_LOST}${UNLOCK}${RELOCK}${CARRY_OUT}`;

/** Stands in the place of a note that was worked off, until the end of the script. */
const HOLE = 'lambdesque:told:2f9c51d3';

/**
 * What else happens with jobs that have ended, as it is noted in a list: each note goes with its effects, once.
 *
 * KEYS  1 flows:lost  then those of the effects
 * ARGV  time; first and last place of the notes, as LRANGE has them; for each SHA-1 of the note, effects (number; kind, what it needs)
 * Returns {notes that were there, keys that are not what they should be {{key, error}…}}.
 */
export const carryOutUntold = defineScript(
  'carry-out-untold',
  `${NOW}${READ_ARGUMENTS}
local time, first, last = now(arg()), int(), int()
${WAITING_EFFECTS}${PHP_STATUS}${CANCELLED}
local length, places, told = call('LLEN', KEYS[1]), {}, 0
if first < 0 then first = math.max(0, length + first) end
for i, note in ipairs(call('LRANGE', KEYS[1], first, last)) do places[redis.sha1hex(note)] = first + i - 1 end
while at < #ARGV do
  local sha = arg()
  local place = places[sha]
  places[sha] = nil
  if place then
    call('LSET', KEYS[1], place, '${HOLE}')
    told = told + 1
  end
  carryOut(place ~= nil)
end
if told > 0 then call('LREM', KEYS[1], told, '${HOLE}') end
return {told, wrongKeys()}
`,
);
