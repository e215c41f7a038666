import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';

/** Members of the sorted set that are read at a time; payloads are read one by one, since nobody knows their sizes before. */
const AT_ONCE = 200;

/** Lua, behind READ_ARGUMENTS: reads the limits and texts of a search, and tells what fits. */
const SEARCH = `
local most, bytes, want, room = int(), int(), int(), int()
local needles, looked, found = {}, 0, {}
for i = 1, int() do needles[i] = arg() end
local function look(payload, ...)
  looked, most, bytes = looked + 1, most - 1, bytes - #payload
  for _, needle in ipairs(needles) do
    if not string.find(payload, needle, 1, true) then return end
  end
  for _, value in ipairs({...}) do found[#found + 1] = value end
  found[#found + 1] = payload
  want, room = want - 1, room - #payload
end
local function isOver() return most <= 0 or bytes <= 0 or want <= 0 or room <= 0 end
`;

/**
 * Look through the jobs that workers hold for those with given texts.
 *
 * KEYS  inflight:<worker> of some workers
 * ARGV  number of the job of the first worker behind which to begin, -1 for its first; most payloads to look at, most bytes; most to answer, most bytes
 *       of them; number of texts, they
 * Returns {place of the worker (from 0) where it ended, number of KEYS where that is everything; number of the last
 *         job looked at there, -1 for none; payloads looked at; {place of the worker, field, payload…}}
 */
export const searchHeld = defineScript(
  'search-held',
  `${READ_ARGUMENTS}
local behind = int()
${SEARCH}
for i, name in ipairs(KEYS) do
  local last, jobs = i == 1 and behind or -1, {}
  for _, field in ipairs(try('HKEYS', name) or {}) do
    local seq = tonumber(string.match(field, '^!?(%d+):') or '')
    if seq and seq > last then jobs[#jobs + 1] = {seq = seq, field = field} end
  end
  -- Others come and go meanwhile: only their numbers tell which were seen.
  table.sort(jobs, function(x, y) return x.seq < y.seq end)
  for _, job in ipairs(jobs) do
    if isOver() then return {i - 1, last, looked, found} end
    look(call('HGET', name, job.field), i - 1, job.field)
    last = job.seq
  end
end
return {#KEYS, -1, looked, found}
`,
);

/**
 * Look through waiting retries, in the order of their times, for those with given texts.
 *
 * KEYS  1 retry  2 retry:payloads
 * ARGV  score and member of the last one that was looked at, '' and '' to begin; then as in `searchHeld`
 * Returns {1 if that was everything, else 0; score and member of the last one looked at; payloads looked at; {member,
 *         score, payload…}}
 */
export const searchRetries = defineScript(
  'search-retries',
  `${READ_ARGUMENTS}
local score, last = arg(), arg()
${SEARCH}
local rank, same = 0, nil
if last ~= '' then
  rank = try('ZRANK', KEYS[1], last)
  if rank then
    rank = rank + 1
  else
    -- It has gone: those of the same time behind it are still to come.
    rank, same = try('ZCOUNT', KEYS[1], '-inf', '(' .. score) or 0, tonumber(score)
  end
end
while not isOver() do
  local flat = try('ZRANGE', KEYS[1], rank, rank + ${AT_ONCE - 1}, 'WITHSCORES') or {}
  if #flat == 0 then return {1, score, last, looked, found} end
  for i = 1, #flat, 2 do
    if isOver() then break end
    local member, at = flat[i], flat[i + 1]
    if not (same and tonumber(at) == same and member <= last) then
      look(try('HGET', KEYS[2], member) or '', member, at)
      score, last = at, member
    end
    rank = rank + 1
  end
end
return {0, score, last, looked, found}
`,
);
