import type { Attempts } from '../types.ts';

/**
 * The record of a job's past attempts: one extra top-level key, spliced in behind the payload's opening brace when a job
 * is to be tried again and cut out before anybody else sees the payload. Its exact form is what tells it from a
 * producer's own key of that name, so TypeScript (here) and Lua (broker/scripts/lua.ts) accept nothing else.
 */
const SPLICED =
  /^([ \t\n\r]*\{)"lambdesque":\{"id":"([^"\\{}]*)","attempts":(\d{1,9}),"deaths":(\d{1,9})(?:,"errors":"([^"\\{}]*)")?\},/;

export function spliceText({ id, attempts, deaths, errors = '' }: Attempts): string {
  const told = errors === '' ? '' : `,"errors":"${errors}"`;
  return `"lambdesque":{"id":"${id}","attempts":${attempts},"deaths":${deaths}${told}},`;
}

/** The payload as its producer wrote it, and the record that was spliced into it, if any. */
export function unsplice(text: string): { payload: string; record: Attempts | undefined } {
  // For nearly every job: no, as its third character tells.
  if (text[0] === '{' && text[2] !== 'l') return { payload: text, record: undefined };
  const found = SPLICED.exec(text);
  if (!found) return { payload: text, record: undefined };
  const [all, head, id, attempts, deaths, errors] = found as unknown as [
    string,
    string,
    string,
    string,
    string,
    string?,
  ];
  const counts = { id, attempts: Number(attempts), deaths: Number(deaths) };
  return { payload: head + text.slice(all.length), record: errors ? { ...counts, errors } : counts };
}
