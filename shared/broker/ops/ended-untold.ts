/** Bytes of a payload's end in which its id and what follows stand, of one that our client wrote. */
export const END_BYTES = 1_000;
/** A payload of so many bytes is noted whole. */
const WHOLE_BYTES = 65_536;

/** How a job ended where what else happens then is not known. */
export const UNTOLD = {
  /** It is in the failed list: its worker died after it may have started. */
  died: 'd',
  /** It is in the failed list: it was delayed, and could not go to a queue. */
  refused: 'p',
  /** It was removed. */
  removed: 'r',
  /** It waited for its lock, and a newer one has taken its place. */
  replaced: 'n',
} as const;

/**
 * Lua: `noteEnd(list, how, queue, payload)`: a job has ended, with a lock to give back, a record or a flow to be told. Which keys that
 * are is for whoever reads the list; who has ended it may be gone by then. `=<how> <bytes of the queue's name>:<queue><payload, or its end>`.
 */
export const NOTE_END = `
local function holdsSomething(text)
  return string.find(text, '"control":{', 1, true) or string.find(text, '"flow":{"id":', 1, true) or #(string.match(text, '"id":"(%x*)"') or '') == 32
end
local function noteEnd(list, how, queue, payload)
  local text = #payload > ${WHOLE_BYTES} and string.sub(payload, -${END_BYTES}) or payload
  if holdsSomething(text) then try('RPUSH', list, '=' .. how .. ' ' .. #queue .. ':' .. queue .. text) end
end
`;
