/**
 * The record of a job's past attempts: one extra top-level key, spliced in behind the payload's opening brace when a job
 * is to be tried again and cut out before anybody else sees the payload. Its exact form is what tells it from a
 * producer's own key of that name, so Lua (here) and TypeScript (below) accept nothing else.
 */
export interface Attempts {
  /** Unique among all retried jobs, so that two equal payloads stay two members of the sorted set. No quote, backslash or brace. */
  readonly id: string;
  /** Attempts made so far, deaths included. */
  readonly attempts: number;
  /** How many of those ended with the death of their worker. */
  readonly deaths: number;
}

const SPLICED = /^([ \t\n\r]*\{)"lambdesque":\{"id":"([^"\\{}]*)","attempts":(\d{1,9}),"deaths":(\d{1,9})\},/;

export function spliceText(record: Attempts): string {
  return `"lambdesque":{"id":"${record.id}","attempts":${record.attempts},"deaths":${record.deaths}},`;
}

/** The payload as its producer wrote it, and the record that was spliced into it, if any. */
export function unsplice(text: string): { payload: string; record: Attempts | undefined } {
  // For nearly every job: no, as its third character tells.
  if (text[0] === '{' && text[2] !== 'l') return { payload: text, record: undefined };
  const found = SPLICED.exec(text);
  if (!found) return { payload: text, record: undefined };
  const [all, head, id, attempts, deaths] = found as unknown as [string, string, string, string, string];
  return { payload: head + text.slice(all.length), record: { id, attempts: Number(attempts), deaths: Number(deaths) } };
}

/**
 * Lua: `cut(payload)` → head, rest, id, attempts, deaths. head .. rest is the producer's payload; the other three are nil
 * where nothing was spliced; head is nil where the payload does not open like an object.
 */
export const CUT = String.raw`
local function cut(payload)
  local head, id, attempts, deaths, rest = string.match(payload,
    '^([ \t\n\r]*{)"lambdesque":{"id":"([^"\\{}]*)","attempts":(%d+),"deaths":(%d+)},(.*)$')
  if head and #attempts < 10 and #deaths < 10 then return head, rest, id, tonumber(attempts), tonumber(deaths) end
  head, rest = string.match(payload, '^([ \t\n\r]*{)(.*)$')
  return head, rest
end
local function original(payload)
  local head, rest, id = cut(payload)
  if id then return head .. rest end
  return payload
end
`;
