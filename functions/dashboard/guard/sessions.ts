import { type Key, keyOfPassword, randomKey, randomText, same, signatureOf } from './bytes.ts';

/** Somebody who may use the page. */
export interface Session {
  /** Of the log's lines: which sign-in it was. */
  readonly id: string;
  /** As they called themselves when they signed in. */
  readonly name: string;
  /** Stands in each form, so that no other page can send one. */
  readonly formToken: string;
}

/** How long a session lasts, ms: a working day. */
export const SESSION_MS = 12 * 3_600_000;
/** Characters of the name that somebody gives. */
const NAME_LENGTH = 64;

/**
 * Sessions that no server keeps: a cookie says until when it lasts and for whom, and is signed by a key that is made of the
 * password. Every function that has the password can read it.
 */
export class Sessions {
  readonly #key: Promise<Key>;

  /** @param secret the password; without one, sessions and forms last as long as the process */
  constructor(secret: string | undefined) {
    this.#key = secret === undefined ? randomKey() : keyOfPassword(secret);
  }

  /** @returns the cookie's value */
  async begin(name: string, now: number): Promise<string> {
    const shown = encodeURIComponent(name.trim().slice(0, NAME_LENGTH).toWellFormed()).replaceAll('.', '%2E');
    const fields = [now + SESSION_MS, randomText(), shown].join('.');
    return `${fields}.${await signatureOf(await this.#key, `session ${fields}`)}`;
  }

  /** @returns undefined for a cookie that is forged, broken or too old */
  async read(cookie: string | undefined, now: number): Promise<Session | undefined> {
    const end = cookie?.lastIndexOf('.') ?? -1;
    if (cookie === undefined || end === -1) return undefined;
    const fields = cookie.slice(0, end);
    if (!(await same(cookie.slice(end + 1), await signatureOf(await this.#key, `session ${fields}`)))) return undefined;
    const [until = '', id = '', name = ''] = fields.split('.');
    if (!(Number(until) > now)) return undefined;
    return this.#session(id, decodeURIComponent(name));
  }

  /** Where nobody has to sign in. */
  open(name: string): Promise<Session> {
    return this.#session('open', name);
  }

  async #session(id: string, name: string): Promise<Session> {
    return { id, name, formToken: await signatureOf(await this.#key, `form ${id}`) };
  }
}
