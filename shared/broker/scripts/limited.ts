/** A hash that nobody has written to for so many ms is of no use. */
const KEPT_MS = 86_400_000;

/**
 * Lua, in `sync`, behind `operations`, which has GATES: the limits of queues. Jobs beyond one stay in their queue. `limited[name]` is the gate of
 * each queue that the worker knows to be limited; `allowed(share)` is how many of its jobs may be taken, 0 also where a
 * limit is news to the worker, which learns of it with this answer. `took(share, n)` counts, `closeLimited()` writes it down.
 *
 * ARGV  number of queues, each: its name, place of its key `limit:<gate>`, its rule where Redis has none, or '', number of its jobs
 *       that the worker holds once this is settled
 */
export const LIMITED = `
local limited, limitedFor = {}, -2
for _ = 1, int() do
  local name, limitKey, rule, holds = arg(), key(), arg(), int()
  rule = control['queue:' .. name] or rule
  local gate = operations().gateOf('', limitKey, nil, rule == '' and '- - - -' or rule, '')
  gate.places, gate.holds = gate.places + gate.own - holds, holds
  limited[name] = gate
end
local function allowed(share)
  local gate = limited[share.name]
  if not gate then return control['queue:' .. share.name] and 0 or math.huge end
  local most = math.min(gate.places, gate.tokens)
  if most <= 0 and (try('LLEN', share.key) or 0) > 0 then
    local after = gate.tokens <= 0 and math.min(gate.frees, time + gate.per) - time or -1
    if limitedFor < 0 then limitedFor = after elseif after >= 0 then limitedFor = math.min(limitedFor, after) end
  end
  return most
end
local function took(share, n)
  local gate = limited[share.name]
  if not gate then return end
  gate.places, gate.tokens, gate.used, gate.holds = gate.places - n, gate.tokens - n, gate.used + n, gate.holds + n
end
local function closeLimited()
  if replay then return end
  for _, gate in pairs(limited) do
    -- Whoever holds jobs says so with each sync.
    if not gate.isOthers then made.writeUse(gate, gate.holds) end
    if not gate.isOthers and (gate.holds > 0 or gate.used > 0) then call('PEXPIRE', gate.key, math.max(${KEPT_MS}, gate.per or 0)) end
  end
end
`;
