import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { LOCKS } from './locks.ts';

/** What `openUnique` answers. */
const NOTHING_PARKED = 0;
export const LET_IN = 1;
const STILL_HELD = 2;
export const OTHER_FIRST = 3;

/**
 * Push the first job that is parked for a lock which is free, or which is its own since it waits for its time; with the lock.
 *
 * KEYS  1 the lock  2 what is parked for it  3 parked  4 queues  5 the queue of the first one, as it was read
 * ARGV  time; the gate; that queue's name
 * Returns {NOTHING_PARKED, LET_IN, STILL_HELD (it is noted when to look again), or OTHER_FIRST: read again; keys that are not what they
 *         should be {{key, error}…}}.
 */
export const openUnique = defineScript(
  'open-unique',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
${LOCKS}
local lock, parked, gates, queues, queue = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local gate, name = arg(), arg()
local function open()
  local element, its, payload = firstParked(parked)
  if not element then
    -- Not where it is no list: that is told, and tried again.
    if wrong[parked] then noteGate(gates, gate, time + 60000) else try('ZREM', gates, gate) end
    return ${NOTHING_PARKED}
  end
  if not its then
    -- Somebody else's: it is no job, and would keep all others waiting.
    wrong[parked] = 'what was parked there first is no job; it was removed: ' .. string.sub(element, 1, 80)
    try('LPOP', parked)
    return ${OTHER_FIRST}
  end
  local id, _, due = askedOf(payload)
  local value, err = try('GET', lock)
  if err then
    noteGate(gates, gate, time + 60000)
    return ${STILL_HELD}
  end
  if value and not (id and isHolder(value, id)) then
    noteGate(gates, gate, time + math.max(1, try('PTTL', lock) or 0))
    return ${STILL_HELD}
  end
  if due and due > time then
    if not value then passOn(lock, parked, gates, gate, queues, name, queue) else noteGate(gates, gate, due) end
    return ${STILL_HELD}
  end
  if its ~= name then return ${OTHER_FIRST} end
  if letIn(lock, parked, gates, gate, queues, name, queue, payload) then
    noteGate(gates, gate, time + 60000)
    return ${STILL_HELD}
  end
  return ${LET_IN}
end
return {open(), wrongKeys()}
`,
);

/**
 * Give back a lock, whoever holds it, or only where this job does; to the first that is parked for it.
 *
 * KEYS  1 the lock  2 what is parked for it  3 parked  4 queues  5 the queue of the first one, as it was read; any where there is none
 * ARGV  time; the gate; that queue's name; the job's id, '' for any
 * Returns {1 if it was held by that, else 0; keys that are not what they should be {{key, error}…}}.
 */
export const freeLock = defineScript(
  'free-lock',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
${LOCKS}
local gate, name, id = arg(), arg(), arg()
local value = try('GET', KEYS[1])
if not value or id ~= '' and not isHolder(value, id) then return {0, wrongKeys()} end
passOn(KEYS[1], KEYS[2], KEYS[3], gate, KEYS[4], name, KEYS[5])
return {1, wrongKeys()}
`,
);

/**
 * What locks say, and for how long they are still held.
 *
 * KEYS  for each: the lock, what is parked for it
 * ARGV  most bytes of a value
 * Returns {value or its beginning, '' for none; ms, -1 without an end; jobs that are parked}…
 */
export const describeLocks = defineScript(
  'describe-locks',
  `${READ_ARGUMENTS}
local most, answer = int(), {}
for i = 1, #KEYS, 2 do
  local value = try('GET', KEYS[i]) or ''
  answer[#answer + 1] = {string.sub(value, 1, most), try('PTTL', KEYS[i]) or 0, try('LLEN', KEYS[i + 1]) or 0}
end
return answer
`,
);
