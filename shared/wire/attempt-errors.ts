/** How one attempt ended. */
interface ToldError {
  readonly attempt: number;
  /** Epoch ms. */
  readonly at: number;
  /** Name and message. */
  readonly error: string;
}

/** So many of the last attempts are told: a payload must not grow with each. */
const MOST = 3;
/** Characters of each. */
const MOST_TEXT = 200;

/** What cannot stand in the record of attempts, and what this format needs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they cannot stand in JSON.
const ESCAPED = /[%"\\{}|\u0000-\u001f\u007f]/g;
const ONE = /^(\d{1,9})@(\d{1,15}) (.*)$/s;

/**
 * The errors of past attempts as they travel in the record of attempts: `1@1795725577000 Error: boom|2@…`. A text
 * without quotes, backslashes and braces, so that it stands in JSON as it is, and is cut out again without being
 * parsed.
 * @param told of the attempts before
 */
export function addError(told: string | undefined, { attempt, at, error }: ToldError): string {
  const short = error.length > MOST_TEXT ? `${error.slice(0, MOST_TEXT - 1)}…` : error;
  const one = `${attempt}@${Math.max(0, Math.floor(at))} ${short.toWellFormed().replace(ESCAPED, escapeCharacter)}`;
  return [...(told ? told.split('|') : []), one].slice(-MOST).join('|');
}

/** What cannot be read is left out. */
export function readErrors(told: string | undefined): ToldError[] {
  if (!told) return [];
  return told.split('|').flatMap((one) => {
    const [, attempt, at, error] = ONE.exec(one) ?? [];
    return error === undefined ? [] : [{ attempt: Number(attempt), at: Number(at), error: unescapeText(error) }];
  });
}

function escapeCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function unescapeText(text: string): string {
  return text.replace(/%([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
