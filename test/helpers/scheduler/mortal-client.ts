import type { RedisClient, Reply } from '../../../shared/broker/redis/client.ts';

/** Where in a command its process ends: before Redis saw it, or after Redis carried it out. */
export type Moment = 'before' | 'after';
export const MOMENTS: readonly Moment[] = ['before', 'after'];

/** What a process that is killed would say, if it could. */
export class Killed extends Error {}

/**
 * A client whose process can be killed at one of its commands. From then on no command of it reaches Redis any more:
 * whatever the code does after the error, Redis sees what it would see of a process that is gone.
 */
export class MortalClient implements RedisClient {
  readonly address: string;
  readonly #client: RedisClient;
  #commands = 0;
  #killAt = Infinity;
  #moment: Moment = 'before';
  #dead = false;

  constructor(client: RedisClient) {
    this.#client = client;
    this.address = client.address;
  }

  /** Commands so far, since the last call of `live`. */
  get commands(): number {
    return this.#commands;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** A new process. @param killAt number of the command at which it is killed, from 1 */
  live(killAt = Infinity, moment: Moment = 'before'): this {
    this.#commands = 0;
    this.#killAt = killAt;
    this.#moment = moment;
    this.#dead = false;
    return this;
  }

  command(...args: Parameters<RedisClient['command']>): Promise<Reply> {
    return this.#mortally(() => this.#client.command(...args));
  }

  script(...args: Parameters<RedisClient['script']>): Promise<Reply> {
    return this.#mortally(() => this.#client.script(...args));
  }

  async close(): Promise<void> {}

  async #mortally(send: () => Promise<Reply>): Promise<Reply> {
    if (this.#dead) throw new Killed('killed before');
    const last = ++this.#commands >= this.#killAt;
    if (!last) return await send();
    this.#dead = true;
    if (this.#moment === 'after') await send();
    throw new Killed(`killed ${this.#moment} command ${this.#commands}`);
  }
}
