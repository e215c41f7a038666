/** The end of a channel's name, behind the namespace: ids of tracked jobs that have ended are published there. */
export const ENDED_CHANNEL = 'jobs:ended';

/** Lua: `tellEnd(key of a status record)`. Where publishing is refused, who waits looks by itself. */
export const TELL_END = `
local function tellEnd(name)
  local namespace, id = string.match(name, '^(.*)job:([^:]*):status$')
  if namespace then redis.pcall('PUBLISH', namespace .. '${ENDED_CHANNEL}', id) end
end
`;
