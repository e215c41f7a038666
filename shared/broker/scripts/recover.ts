import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';

/**
 * Redis came back without its last writes: give back what is in flight for a worker that does not know of it. Nobody died,
 * so the payloads stay as they are; they go to the heads of their queues.
 *
 * KEYS  1 inflight:<worker>  2 queues  then the queues of the fields
 * ARGV  number of the worker's last sync; for each field, the last job of a queue first: field, queue's name, its place
 *       among KEYS
 * Returns {number given back, keys that did not take theirs {{key, error}…}}: those stay in flight.
 */
export const recoverScript = defineScript(
  'recover',
  `${READ_ARGUMENTS}
local number, given = arg(), 0
call('HDEL', KEYS[1], '') -- removes nothing; opens the script with a write that a full Redis allows
while at < #ARGV do
  local field, name, queue = arg(), arg(), key()
  local payload = call('HGET', KEYS[1], field)
  if payload and try('LPUSH', queue, payload) then
    call('HDEL', KEYS[1], field)
    try('SADD', KEYS[2], name)
    given = given + 1
  end
end
call('HSET', KEYS[1], 'call', number)
return {given, wrongKeys()}
`,
);
