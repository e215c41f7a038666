import { createHash } from 'node:crypto';

/** Characters of a message that count. Scripts answer so many: see scripts/failed.ts. */
const LOOKED_AT = 120;

const NUMBERS = /\d+/g;
const QUOTED = /"[^"]*"?|'[^' ][^']*'|`[^`]*`|«[^»]*»|“[^”]*”/g;
/** Hex digits and dashes with a digit among them: ids, UUIDs, numbers in between. By now each run of digits is one `0`. */
const HEX = /(?<![A-Za-z0-9_])(?:0x)?[0-9a-f-]*0[0-9a-f-]*(?![A-Za-z0-9_])/gi;
const LEFT_NUMBERS = /0(?:[.,:/]0)*/g;

/** A message with what differs from job to job taken out: numbers, ids, quoted values. */
export function normalized(message: string): string {
  return (
    message
      .slice(0, LOOKED_AT)
      // First of all: scripts have done so with what they put together.
      .replace(NUMBERS, '0')
      .replace(QUOTED, '…')
      .replace(HEX, '#')
      .replace(LEFT_NUMBERS, '#')
      .replace(/\s+/g, ' ')
      .trim()
  );
}

/** What is equal for errors of one kind: 12 hex digits, of the error's class and its message without what differs. */
export function fingerprint(exception: string, message: string): string {
  return createHash('sha1')
    .update(`${exception}\n${normalized(message)}`)
    .digest('hex')
    .slice(0, 12);
}
