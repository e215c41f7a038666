import { same } from './bytes.ts';
import { type Session, Sessions } from './sessions.ts';

/** The secret is read anew after so long, ms: a password that was changed is then the only one, and the sessions of the old one end. */
const READ_AGAIN_MS = 60_000;

interface Known {
  readonly secret: string | undefined;
  readonly sessions: Sessions;
}

/** The password and the sessions that it signs, for as long as it stays the same. */
export class Keyring {
  readonly #read: () => Promise<string | undefined>;
  #known: Promise<Known> | undefined;
  #since = 0;

  /** @param read the secret; undefined: sessions last as long as the process */
  constructor(read: () => Promise<string | undefined>) {
    this.#read = read;
  }

  async session(cookie: string | undefined, now: number): Promise<Session | undefined> {
    if (cookie === undefined) return undefined;
    return (await this.#current(now)).sessions.read(cookie, now);
  }

  async open(name: string, now: number): Promise<Session> {
    return (await this.#current(now)).sessions.open(name);
  }

  /** @returns the cookie of a new session; undefined: the password is wrong */
  async begin(password: string, name: string, now: number): Promise<string | undefined> {
    const { secret, sessions } = await this.#current(now);
    return (await same(password, secret ?? '')) ? sessions.begin(name, now) : undefined;
  }

  /** Whoever comes, and with whatever: it is read once in that time. Where it cannot be read, nobody is let in. */
  async #current(now: number): Promise<Known> {
    if (this.#known === undefined || now - this.#since >= READ_AGAIN_MS) {
      this.#known = this.#load(this.#known);
      this.#since = now;
    }
    const reading = this.#known;
    try {
      return await reading;
    } catch (error) {
      if (this.#known === reading) this.#known = undefined;
      throw error;
    }
  }

  async #load(before: Promise<Known> | undefined): Promise<Known> {
    const secret = await this.#read();
    const known = await before?.catch(() => undefined);
    // The key of the sessions is dear to make.
    return known && known.secret === secret ? known : { secret, sessions: new Sessions(secret) };
  }
}
