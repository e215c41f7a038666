/** Part of the difference by which a new measure counts. */
const COUNTS = 0.3;
/** What nobody has measured for so many seconds is forgotten. */
const KEPT_SECONDS = 2_592_000;

/**
 * Lua, in `sync`: notes how long jobs take, so that the scheduler knows how many workers a queue needs.
 *
 * ARGV  number of classes, each: place of the key `paces`, its name, µs of a worker's time, µs from start to end
 */
export const PACES = `
for i = 1, int() do
  local name, class, share, took = key(), arg(), tonumber(arg()), tonumber(arg())
  local oldShare, oldTook = string.match(try('HGET', name, class) or '', '^(%d+):(%d+)$')
  if oldShare then
    share = oldShare + (share - oldShare) * ${COUNTS}
    took = oldTook + (took - oldTook) * ${COUNTS}
  end
  try('HSET', name, class, string.format('%.0f:%.0f', math.max(1, share), math.max(1, took)))
  if i == 1 then try('EXPIRE', name, ${KEPT_SECONDS}) end
end
`;
