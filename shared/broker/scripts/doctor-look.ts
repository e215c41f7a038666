import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';

/** Retries that are looked at from their first on, and steps through their payloads, of about so many each. */
const MOST_RETRIES = 5_000;
const STEPS = 50;
const STEP = 20;

/**
 * KEYS  any
 * Returns the type of each, none for what is not there.
 */
export const keyTypes = defineScript(
  'key-types',
  `
local types = {}
for i, name in ipairs(KEYS) do
  local kind = redis.call('TYPE', name)
  types[i] = kind.ok or kind
end
return types
`,
);

/**
 * What in-flight records hold.
 *
 * KEYS  inflight:<worker>…
 * Returns for each {number of jobs, or -1 where it is not there; the end of its lease (epoch ms) or ''}; of a key of another type {-2, ''}
 */
export const inflightStates = defineScript(
  'inflight-states',
  `${READ_ARGUMENTS}
local states = {}
for i, name in ipairs(KEYS) do
  local length, err = try('HLEN', name)
  if err then
    states[i] = {-2, ''}
  elseif length == 0 then
    states[i] = {-1, ''}
  else
    local lease, known = call('HGET', name, 'lease') or '', 0
    if lease ~= '' then known = 1 end
    if call('HEXISTS', name, 'call') == 1 then known = known + 1 end
    states[i] = {length - known, lease}
  end
end
return states
`,
);

/**
 * KEYS  1 a sorted set
 * ARGV  members
 * Returns the score of each, '' for what is not in it; nothing of a key of another type.
 */
export const scoresOf = defineScript(
  'scores-of',
  `
local scores = {}
for i, member in ipairs(ARGV) do
  local score = redis.pcall('ZSCORE', KEYS[1], member)
  if type(score) == 'table' then return {} end
  scores[i] = score or ''
end
return scores
`,
);

/**
 * KEYS  timestamps:<payload>…
 * Returns for each some members: the lists of delayed jobs that it names, without their namespace.
 */
export const indexedLists = defineScript(
  'indexed-lists',
  `
local all = {}
for i, name in ipairs(KEYS) do
  local members = redis.pcall('SRANDMEMBER', name, 100)
  all[i] = members.err and {} or members
end
return all
`,
);

/**
 * Retries without a payload, and payloads without a retry, among the first ones.
 *
 * KEYS  1 retry  2 retry:payloads
 * Returns {members without payload, fields without member}
 */
export const retryGaps = defineScript(
  'retry-gaps',
  `${READ_ARGUMENTS}
local bare, stray = {}, {}
local members = try('ZRANGE', KEYS[1], 0, ${MOST_RETRIES - 1})
local count = try('HLEN', KEYS[2])
if not members or not count then return {bare, stray} end
for _, member in ipairs(members) do
  if call('HEXISTS', KEYS[2], member) == 0 then bare[#bare + 1] = member end
end
-- A look at all payloads costs something: not where the numbers say that each has its retry.
if count <= call('ZCARD', KEYS[1]) - #bare then return {bare, stray} end
local cursor = '0'
for _ = 1, ${STEPS} do
  local found = call('HSCAN', KEYS[2], cursor, 'COUNT', ${STEP})
  for i = 1, #found[2], 2 do
    if not call('ZSCORE', KEYS[1], found[2][i]) then stray[#stray + 1] = found[2][i] end
  end
  cursor = found[1]
  if cursor == '0' then break end
end
return {bare, stray}
`,
);
