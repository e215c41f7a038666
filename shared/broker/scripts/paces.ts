/** Part of the difference by which a new measure counts. */
const COUNTS = 0.3;
/** What nobody has measured for so many seconds is forgotten. */
const KEPT_SECONDS = 2_592_000;

/**
 * Lua, in `sync`: notes how much of a worker's time jobs take, so that the scheduler knows how many workers a queue needs.
 *
 * ARGV  number of queues, each: place of the key `paces`, its name, µs
 */
export const PACES = `
for i = 1, int() do
  local name, queue, micros = key(), arg(), tonumber(arg())
  local old = tonumber(try('HGET', name, queue) or '')
  if old then micros = old + (micros - old) * ${COUNTS} end
  try('HSET', name, queue, string.format('%.0f', math.max(1, micros)))
  if i == 1 then try('EXPIRE', name, ${KEPT_SECONDS}) end
end
`;
