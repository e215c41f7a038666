import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/**
 * What gates let through now, and what waits for them.
 *
 * KEYS  1 leases, then limit:<gate> and parked:<gate> of each
 * ARGV  time; for each its rule, '' for what its hash says
 * Returns {for each {1 if its hash is there, else 0; its rule or ''; jobs that are parked; places that are kept for jobs that
 *         were called; jobs that were let through within the time of its rate; {worker, places, 1 if its lease runs, else
 *         0…}}, keys of another type}.
 */
export const gateStates = defineScript(
  'gate-states',
  `${NOW}${READ_ARGUMENTS}
local time, states, ends = now(arg()), {}, {}
-- The places of a worker count until its jobs were given back.
local function leaseOf(worker)
  if ends[worker] == nil then
    local score = try('ZSCORE', KEYS[1], worker)
    ends[worker] = score and tonumber(score) or false
  end
  return ends[worker]
end
for i = 2, #KEYS, 2 do
  local flat, rule, called, passed, holders = try('HGETALL', KEYS[i]) or {}, arg(), 0, 0, {}
  local fields = {}
  for f = 1, #flat, 2 do fields[flat[f]] = flat[f + 1] end
  if rule == '' then rule = fields.rule or '' end
  local per = tonumber(string.match(rule, '^%S+ %S+ (%d+) ') or '')
  for field, value in pairs(fields) do
    local mark, rest = string.sub(field, 1, 1), string.sub(field, 2)
    if mark == '=' then
      local lease = leaseOf(rest)
      if lease and tonumber(value) then
        holders[#holders + 1], holders[#holders + 2], holders[#holders + 3] = rest, tonumber(value), lease > time and 1 or 0
      end
    elseif mark == '+' then
      local expires, tickets = string.match(value, '^(%d+) (%d+)$')
      if expires and tonumber(expires) > time then called = called + tonumber(tickets) end
    elseif field ~= 'rule' then
      local upto = tonumber(string.match(field, '^r(%d+)$') or '')
      if upto and per and upto + per > time then passed = passed + (tonumber(value) or 0) end
    end
  end
  states[#states + 1] = {#flat > 0 and 1 or 0, rule, try('LLEN', KEYS[i + 1]) or 0, called, passed, holders}
end
return {states, wrongKeys()}
`,
);
