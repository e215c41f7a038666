import { LONGEST_LEASE } from '../keys.ts';

/**
 * The registering part of `sync`: may this worker run beside the others of its consumer? What counts is their leases, so
 * that no start that nobody counted (a doorbell, an event delivered twice, one that Lambda held back) is one too many. A
 * worker whose own lease has ended has no place any more, and is asked again: another may have taken it.
 *
 * A function's workers have the same id up to the token; see wire/worker-id.ts.
 *
 * ARGV  most workers of its consumer at a time, 0 for any number; place of scheduler:starts:<system>, 0 for none; its
 *       member that this worker came of, or ''
 *
 * Lua, behind READ_ARGUMENTS, `time`, `worker`, `inflight` and `leases`: `hasNoPlace(registers, last)`.
 */
export const WORKER_PLACE = `
local most, starts, start = int(), key(), arg()
local function workersBeside()
  local own, count = string.match(worker, '^([^:]*%-)%x+:') or worker, 0
  local running = try('ZRANGEBYSCORE', leases, '(' .. string.format('%.0f', time), string.format('%.0f', time + ${LONGEST_LEASE}))
  for _, other in ipairs(running or {}) do
    if other ~= worker and string.sub(other, 1, #own) == own and string.find(other, '^%x+:', #own + 1) then count = count + 1 end
  end
  return count
end
local function hasNoPlace(registers, last)
  if registers and start ~= '' then try('ZREM', starts, start) end
  if most == 0 then return false end
  if last and (tonumber(redis.call('HGET', inflight, 'lease') or '') or 0) > time then return false end
  return workersBeside() >= most
end
`;
