import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/** Workers beyond that are not looked at. */
const MOST_WORKERS = 10_000;

/**
 * Who works, and which queues are serial.
 *
 * KEYS  1 workers  2 leases  3 workers:heartbeat  4 serial
 * ARGV  time
 * Returns {the time (epoch ms), ids, {id, end of its lease}…, {id, its last heartbeat}…, names of serial queues, keys of
 *         another type {{key, error}…}}.
 */
export const surveyWorkers = defineScript(
  'survey-workers',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
return {
  time,
  try('SRANDMEMBER', KEYS[1], ${MOST_WORKERS}) or {},
  try('ZRANGE', KEYS[2], 0, ${MOST_WORKERS - 1}, 'WITHSCORES') or {},
  try('HGETALL', KEYS[3]) or {},
  try('HKEYS', KEYS[4]) or {},
  wrongKeys(),
}
`,
);

/** A worker with more jobs shows any of them. */
const MANY = 20_000;
/** Fields and bytes read in one call; of one worker at least. */
const MOST_FIELDS = 50_000;
const MOST_BYTES = 2_097_152;

/**
 * What workers say of themselves, and the first jobs that they hold.
 *
 * KEYS  for each worker: inflight:<worker>, worker:<worker>, worker:<worker>:started, stat:processed:<worker>, stat:failed:<worker>
 * ARGV  most jobs of each; most bytes of a payload
 * Returns {{record, started, processed, failed, version, jobs it holds, {field, payload or its beginning, its length}…}…
 *         of the first workers, one at least; keys of another type {{key, error}…}}.
 */
export const describeWorkers = defineScript(
  'describe-workers',
  `${READ_ARGUMENTS}
local most, longest = int(), int()
local function held(name)
  local length = try('HLEN', name) or 0
  if length == 0 then return {}, 0 end
  local fields, flat = {}, length > ${MANY} and call('HSCAN', name, 0, 'COUNT', 1000)[2]
  if flat then
    for f = 1, #flat, 2 do fields[#fields + 1] = flat[f] end
  else
    fields = call('HKEYS', name)
  end
  -- The first ones in order, without sorting all.
  local first, count = {}, 0
  for _, field in ipairs(fields) do
    local seq = tonumber(string.match(field, '^!?(%d+):') or '')
    if seq then
      count = count + 1
      if #first < most or #first > 0 and seq < first[#first].seq then
        local at = #first + 1
        while at > 1 and first[at - 1].seq > seq do at = at - 1 end
        table.insert(first, at, {seq = seq, field = field})
        first[most + 1] = nil
      end
    end
  end
  return first, flat and length or count, #fields
end
local answer, fields, bytes = {}, 0, 0
for w = 1, #KEYS, 5 do
  local first, count, read = held(KEYS[w])
  local jobs = {}
  for i, job in ipairs(first) do
    local payload = call('HGET', KEYS[w], job.field)
    jobs[i] = {job.field, string.sub(payload, 1, longest), #payload}
    bytes = bytes + math.min(#payload, longest)
  end
  local version = count > 0 and call('HGET', KEYS[w], 'version') or not wrong[KEYS[w]] and try('HGET', KEYS[w], 'version')
  answer[#answer + 1] = {
    string.sub(try('GET', KEYS[w + 1]) or '', 1, 4 * longest),
    try('GET', KEYS[w + 2]) or '',
    try('GET', KEYS[w + 3]) or '',
    try('GET', KEYS[w + 4]) or '',
    version or '',
    count,
    jobs,
  }
  fields = fields + (read or 0)
  if fields > ${MOST_FIELDS} or bytes > ${MOST_BYTES} then break end
end
return {answer, wrongKeys()}
`,
);

/** What the script answers: it was not there; it has changed since it was looked at. */
export const NOT_THERE = 0;
export const CHANGED = -1;

/**
 * Forget another Resque's worker, as Resque's own `unregister_worker` does; what it was on goes to the failed list.
 *
 * KEYS  1 workers  2 workers:heartbeat  3 worker:<worker>  4 worker:<worker>:started  5 stat:processed:<worker>
 *       6 stat:failed:<worker>  7 failed
 * ARGV  worker id; heartbeat and record as they were when it was looked at, '' for none; failed entry, '' for none
 * Returns 1, NOT_THERE or CHANGED.
 */
export const unregisterForeign = defineScript(
  'unregister-foreign',
  `${READ_ARGUMENTS}
local worker, heartbeat, record, entry = arg(), arg(), arg(), arg()
local known = call('SISMEMBER', KEYS[1], worker) == 1
if not known and not call('GET', KEYS[3]) then return ${NOT_THERE} end
if (call('HGET', KEYS[2], worker) or '') ~= heartbeat or (call('GET', KEYS[3]) or '') ~= record then return ${CHANGED} end
if entry ~= '' then call('RPUSH', KEYS[7], entry) end
call('SREM', KEYS[1], worker)
call('HDEL', KEYS[2], worker)
call('DEL', KEYS[3], KEYS[4], KEYS[5], KEYS[6])
return 1
`,
);
