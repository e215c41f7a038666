/**
 * Lua, in `sync`, behind `operations`, which has GATES: asks for the jobs that a gate has to let through; those that it does not are parked.
 *
 * ARGV  number of gates, each: its name, places of its keys `limit:<gate>` and `parked:<gate>`, its rule, class that has to be
 *       paused for it to be closed, or '', `park` or `refuse`
 *       number of jobs, each: number, queue, 1 to hold it where others would be parked, number of its gates, they (from 1)
 * `admit()` gives a digit for each job: see ADMISSION
 */
export const ADMIT = `
local function admit()
  local asked, jobs, digits = {}, {}, {}
  for i = 1, int() do
    local name, limitKey, parkedKey, rule, class, full = arg(), key(), key(), arg(), arg(), arg()
    asked[i] = operations().gateOf(name, limitKey, parkedKey, rule, class)
    asked[i].refuses = full == 'refuse'
  end
  for i = 1, int() do
    local seq, name, holds, through = int(), arg(), arg() == '1', {}
    for k = 1, int() do through[k] = asked[int()] end
    jobs[i] = {field = fieldOf(seq, ':' .. name), name = name, holds = holds, gates = through}
  end
  if #jobs == 0 then return '' end
  if replay then return call('HGET', inflight, 'admitted') or '' end
  for from = 1, #jobs, 500 do
    local fields = {}
    for i = from, math.min(from + 499, #jobs) do fields[#fields + 1] = jobs[i].field end
    for i, payload in ipairs(call('HMGET', inflight, unpack(fields))) do jobs[from + i - 1].payload = payload end
  end
  for i, job in ipairs(jobs) do
    local closed
    for _, gate in ipairs(job.payload and job.gates or {}) do
      if not closed and not made.isOpen(gate, job.payload) then closed = gate end
    end
    -- What is kept for it elsewhere is of no use to it now. What is held asks again soon.
    if closed and (closed.refuses or not job.holds) then
      for _, gate in ipairs(job.gates) do made.giveTicket(gate, job.payload) end
    end
    if not job.payload then
      digits[i] = '4'
    elseif not closed then
      for _, gate in ipairs(job.gates) do made.enter(gate, job.payload) end
      digits[i] = '1'
    elseif closed.refuses then
      digits[i] = '0'
    elseif job.holds then
      digits[i] = '3'
    else
      made.park(closed, job.name, job.payload, i)
      digits[i] = '2'
    end
  end
  return digits, jobs
end
-- Once the gates are closed: what is parked leaves the worker.
local function admitted(digits, jobs)
  if not jobs then return digits end
  local fields = {}
  for i, job in ipairs(jobs) do
    if operations().parkErrors[i] then digits[i] = '3' elseif digits[i] == '2' then fields[#fields + 1] = job.field end
  end
  for from = 1, #fields, 4000 do call('HDEL', inflight, unpack(fields, from, math.min(from + 3999, #fields))) end
  local text = table.concat(digits)
  call('HSET', inflight, 'admitted', text)
  return text
end
`;

/** What became of a job that asked to be let through. */
export const ADMISSION = {
  /** Others hold its place, and it is not to wait for it. */
  refused: '0',
  /** It may start. */
  admitted: '1',
  /** It left the worker. */
  parked: '2',
  /** It stays with the worker, which asks again. */
  held: '3',
  /** The worker does not hold it any more. */
  gone: '4',
} as const;
