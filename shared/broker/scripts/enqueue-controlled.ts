import { READ_ARGUMENTS } from '../ops/call.ts';
import { NOTE_END, UNTOLD } from '../ops/ended-untold.ts';
import { END_RECORD } from '../ops/removed.ts';
import { BEGIN_RECORD } from '../ops/requeued.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { REPLACED } from '../removal.ts';
import { LOCKS } from './locks.ts';

/** What became of a job. */
export const ENQUEUED = 0;
export const DUPLICATE = 1;
export const PARKED = 2;

/** Stands for whatever holds the lock: what cannot be replaced waits then. */
export const ANYTHING = '*';

/**
 * Push payloads to their queues and delayed lists, in their order, each with the lock that it needs and its status record: all
 * of a job or nothing. One that cannot have its lock is left out, takes the place of the one that has it, or is parked.
 *
 * To take another's place, the caller has read the lock before, and names the keys of that place. Where the lock has another
 * holder by now it stops before that job: read again, and call with the rest.
 *
 * KEYS  1 queues  2 delayed_queue_schedule  3 parked  4 retry  5 retry:payloads  6 flows:lost  then what ARGV names by its place
 * ARGV  time; number of queues, each: its name, its key
 *       for each job: payload; number of its queue; one of these
 *       0 for a plain one
 *       1 for one that needs its lock, at once, and is left out where it cannot have it: lock's key; the job's id; how long the lock
 *         is held, ms
 *       2 for any other:
 *       due time (epoch seconds), '' for at once, else: its list's key, member of the index (delayed:<ts> without namespace), or ''
 *       for none, key of the index
 *       its status record's key, 0 for none; then how many seconds that is kept when the job has ended
 *       lock's key, 0 for none; else: the job's id; how long the lock is held from when it is due, ms; skip|replace|later; key of what is parked for it,
 *       the gate; of the holder that was read: SHA-1 of the value, '' for none, '*' for any; and where that is not '': its
 *       queue's key; its delayed list's key or 0, due time, member and key of the index; its member of the retries; its status record's
 *       key or 0, how many seconds that is kept
 * Returns {what became of each: ENQUEUED, PARKED, or the id of the job that there is as {DUPLICATE, id}}…, fewer where a lock had changed}
 */
export const enqueueControlled = defineScript(
  'enqueue-controlled',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
${LOCKS}
-- A key of another type is found before anything is pushed.
local queues, names = {}, {}
for i = 1, int() do
  names[i], queues[i] = arg(), key()
  call('LLEN', queues[i])
end
local answer, known = {}, {}

-- What has been pushed in this call, and what was read of others: where it is, by its lock.
local function readPlace()
  local old = {queue = key()}
  local delayed, ts, member, index = int(), arg(), arg(), int()
  if delayed > 0 then old.delayed, old.ts, old.member, old.index = KEYS[delayed], ts, member, KEYS[index] end
  old.retry = arg()
  local record, keep = int(), int()
  if record > 0 then old.record, old.keep = KEYS[record], keep end
  return old
end
local function leave(old, payload, parked, element)
  if old.delayed and (try('LREM', old.delayed, 1, payload) or 0) > 0 then
    if old.member ~= '' and not try('LPOS', old.delayed, payload) then try('SREM', old.index, old.member) end
    if try('EXISTS', old.delayed) == 0 then try('ZREM', KEYS[2], old.ts) end
    return true
  end
  if old.retry ~= '' and try('ZREM', KEYS[4], old.retry) == 1 then
    try('HDEL', KEYS[5], old.retry)
    return true
  end
  return element and (try('LREM', parked, 1, element) or 0) > 0 or (try('LREM', old.queue, -1, payload) or 0) > 0
end
${END_RECORD}${BEGIN_RECORD}${NOTE_END}
local function park(job, element)
  local last = job.how == 'replace' and try('LINDEX', job.parked, -1)
  -- It is sent again, since its answer was lost.
  if last == element then return end
  local _, err = try('RPUSH', job.parked, element)
  if err then return err end
  if last then
    call('LSET', job.parked, -2, element)
    call('RPOP', job.parked)
    local queue, rest = pieceOf(last, 1)
    -- Of most nobody has to know.
    if queue and string.find(last, '"keep":%d+}}$') then noteEnd(KEYS[6], '${UNTOLD.replaced}', queue, string.sub(last, rest)) end
  end
  local left = try('PTTL', job.lock) or 0
  local seen = tonumber(try('ZSCORE', KEYS[3], job.gate) or '')
  local when = time + math.max(0, left)
  if not seen or seen > when then noteGate(KEYS[3], job.gate, when) end
end
-- Returns what becomes of it where it is not to be pushed; 'changed' where its lock has.
local function lock(job)
  local due = job.ts ~= '' and tonumber(job.ts) * 1000 or time
  local place = job.ts ~= '' and 'd' .. job.ts or 'q'
  local value = holderText(job.id, place, job.name, job.payload)
  local ms = string.format('%.0f', math.max(0, due - time) + job.ms)
  if call('SET', job.lock, value, 'NX', 'PX', ms) then return end
  local holder = call('GET', job.lock)
  -- It is sent again, since its answer was lost.
  if isHolder(holder, job.id) then return ${ENQUEUED} end
  local id, where, queue, payload = partsOf(holder)
  if job.how == 'skip' then return {${DUPLICATE}, id or ''} end
  if job.how == 'replace' then
    local old = known[job.lock]
    if not old then
      if job.mark ~= '${ANYTHING}' and job.mark ~= redis.sha1hex(holder) then return 'changed' end
      old = job.mark ~= '${ANYTHING}' and job.old
    end
    if old and payload and leave(old, payload, job.parked, where == 'p' and #queue .. ':' .. queue .. payload) then
      if old.record then endRecord(old.record, old.keep, '${REPLACED}') end
      call('SET', job.lock, value, 'PX', ms)
      return
    end
  end
  local err = park(job, #job.name .. ':' .. job.name .. job.payload)
  if err then return err end
  return ${PARKED}
end
local seen = {}
local function push(queue, ...)
  local _, err = try('RPUSH', queues[queue], ...)
  if not err and not seen[queue] then
    seen[queue] = true
    try('SADD', KEYS[1], names[queue])
  end
  return err
end
-- Those of one queue that come one after the other are pushed together; their locks are held by then.
local waiting, locks, count, last = {}, {}, 0, nil
local function flush()
  if count == 0 then return end
  local err = push(last, unpack(waiting, 1, count))
  if err then
    for _, lock in pairs(locks) do try('DEL', lock) end
  end
  waiting, locks, count = {}, {}, 0
  return err
end
local function wait(queue, payload, lock)
  local err
  if queue ~= last or count == 1000 then err = flush() end
  last, count = queue, count + 1
  waiting[count], locks[count] = payload, lock
  return err
end
local function pushed(job)
  if job.ts == '' then return push(job.number, job.payload) end
  local _, err = try('RPUSH', job.delayed, job.payload)
  if err then return err end
  if job.member ~= '' then try('SADD', job.index, job.member) end
  _, err = try('ZADD', KEYS[2], job.ts, job.ts)
  return err
end
local function readJob(payload, number)
  local job = {payload = payload, number = number, name = names[number], queue = queues[number], ts = arg(), retry = ''}
  if job.ts ~= '' then job.delayed, job.member, job.index = key(), arg(), key() end
  local place = int()
  if place > 0 then job.record, job.keep = KEYS[place], int() end
  place = int()
  if place > 0 then
    job.lock, job.id, job.ms, job.how, job.parked, job.gate, job.mark = KEYS[place], arg(), int(), arg(), key(), arg(), arg()
    if job.mark ~= '' and job.mark ~= '${ANYTHING}' then job.old = readPlace() end
  end
  return job
end
while at < #ARGV do
  local payload, number, kind, outcome, err = arg(), int(), arg(), ${ENQUEUED}, nil
  if kind == '0' then
    err = wait(number, payload)
  elseif kind == '1' then
    local lock, id, ms = key(), arg(), arg()
    if call('SET', lock, holderText(id, 'q', names[number], payload), 'NX', 'PX', ms) then
      known[lock] = {queue = queues[number], retry = ''}
      err = wait(number, payload, lock)
    else
      local holder = call('GET', lock)
      -- It is sent again where it has it itself, since its answer was lost.
      if not isHolder(holder, id) then outcome = {${DUPLICATE}, partsOf(holder) or ''} end
    end
  else
    err = flush()
    local job = readJob(payload, number)
    outcome = not err and job.lock and lock(job)
    if outcome == 'changed' then return answer end
    if not outcome and not err then
      err = pushed(job)
      if err and job.lock then try('DEL', job.lock) end
      if job.lock then known[job.lock] = job end
      outcome = ${ENQUEUED}
    elseif type(outcome) == 'string' then
      err = outcome
    end
    if job.record and not err and type(outcome) == 'number' then
      beginRecord(job.record, job.keep, math.max(0, (tonumber(job.ts) or 0) - math.floor(time / 1000)), 'NX')
    end
  end
  if err then return redis.error_reply(err) end
  answer[#answer + 1] = outcome
end
local err = flush()
if err then return redis.error_reply(err) end
return answer
`,
);
