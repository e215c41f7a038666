import { same } from './bytes.ts';
import { type Session, Sessions } from './sessions.ts';

/** A password that was changed is read anew after so long, ms, when a cookie or a password does not fit the one we know. */
const READ_AGAIN_MS = 60_000;

interface Known {
  readonly secret: string | undefined;
  readonly sessions: Sessions;
  readonly since: number;
}

/** The password and the sessions that it signs, for as long as it stays the same. */
export class Keyring {
  readonly #read: () => Promise<string | undefined>;
  #known: Promise<Known> | undefined;

  /** @param read the secret; undefined: sessions last as long as the process */
  constructor(read: () => Promise<string | undefined>) {
    this.#read = read;
  }

  async session(cookie: string | undefined, now: number): Promise<Session | undefined> {
    if (cookie === undefined) return undefined;
    const { sessions } = await this.#current(now);
    const session = await sessions.read(cookie, now);
    if (session || !(await this.#changed(now))) return session;
    return (await this.#current(now)).sessions.read(cookie, now);
  }

  async open(name: string, now: number): Promise<Session> {
    return (await this.#current(now)).sessions.open(name);
  }

  /** @returns the cookie of a new session; undefined: the password is wrong */
  async begin(password: string, name: string, now: number): Promise<string | undefined> {
    const fits = async () => same(password, (await this.#current(now)).secret ?? '');
    if (!(await fits()) && !((await this.#changed(now)) && (await fits()))) return undefined;
    return (await this.#current(now)).sessions.begin(name, now);
  }

  async #current(now: number): Promise<Known> {
    const reading = this.#known ?? this.#load(now);
    this.#known = reading;
    try {
      return await reading;
    } catch (error) {
      if (this.#known === reading) this.#known = undefined;
      throw error;
    }
  }

  async #load(now: number): Promise<Known> {
    const secret = await this.#read();
    return { secret, sessions: new Sessions(secret), since: now };
  }

  /** Looks whether the secret is another by now, but not each time that somebody comes with something wrong. */
  async #changed(now: number): Promise<boolean> {
    const known = await this.#current(now);
    if (now - known.since < READ_AGAIN_MS) return false;
    const secret = await this.#read();
    const changed = secret !== known.secret;
    this.#known = Promise.resolve(
      changed ? { secret, sessions: new Sessions(secret), since: now } : { ...known, since: now },
    );
    return changed;
  }
}
