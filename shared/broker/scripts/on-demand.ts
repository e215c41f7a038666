/** No run is set for later, ms: a time further ahead was left by a wrong clock, or by somebody else. */
const LONGEST = 31 * 86_400_000;

/**
 * The hash `scheduler:wake:<system>` says when the scheduler of a system is to run next. Times are Redis's, epoch ms.
 *   at         when the schedule outside is to go off; '' for never
 *   version    rises with each change of `at`
 *   set        the version that the schedule was set to
 *   lookAt     a time at which the scheduler looks whatever it knows: some worker may be about to take a lease
 *   requested  1 if somebody asked for another look during a run
 *
 * Lua, behind READ_ARGUMENTS and `local time`: `wake.at`, `wake.lookAt` (numbers or nil), `wake.version`, `wake.set`,
 * `wake.unusable`; `setAt(at)` → the new version.
 */
export const READ_WAKE = `
local function timeOf(text)
  local value = tonumber(text or '')
  -- Not a number, infinite, or further ahead than anything is set for.
  if value and value == value and value <= time + ${LONGEST} and value > -math.huge then return value end
end
local function readWake(key)
  local fields = try('HMGET', key, 'at', 'version', 'set', 'lookAt')
  if not fields then return {unusable = true} end
  return {at = timeOf(fields[1]), version = fields[2], set = fields[3], lookAt = timeOf(fields[4])}
end
local function setAt(key, at)
  local version = try('HINCRBY', key, 'version', 1)
  if not version then
    -- Somebody has written something else there.
    version = time
    try('HSET', key, 'version', string.format('%.0f', version))
  end
  try('HSET', key, 'at', at and string.format('%.0f', at) or '')
  return version
end
`;

/** What cannot be remembered is set to the next minute: too often rather than never. */
export const UNUSABLE_VERSION = 0;
