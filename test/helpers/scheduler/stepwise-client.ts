import type { RedisClient } from '../../../shared/broker/redis/client.ts';

/** A client whose commands wait, each until it is let through: to put other programs' commands between them. */
export class StepwiseClient implements RedisClient {
  readonly address: string;
  readonly #client: RedisClient;
  #waiting: (() => Promise<void>) | undefined;
  #arrived = () => {};

  constructor(client: RedisClient) {
    this.#client = client;
    this.address = client.address;
  }

  command(...args: Parameters<RedisClient['command']>) {
    return this.#wait(() => this.#client.command(...args));
  }

  script(...args: Parameters<RedisClient['script']>) {
    return this.#wait(() => this.#client.script(...args));
  }

  async close(): Promise<void> {}

  /**
   * Lets the next command through, and resolves when it is carried out.
   * @param work what sends the commands  @returns false if it ended without another one
   */
  async step(work: Promise<unknown>): Promise<boolean> {
    const ended = work.then(
      () => true,
      () => true,
    );
    const arrived = new Promise<false>((resolve) => {
      if (this.#waiting) resolve(false);
      else this.#arrived = () => resolve(false);
    });
    if (await Promise.race([ended, arrived])) return false;
    const send = this.#waiting;
    this.#waiting = undefined;
    await send?.();
    return true;
  }

  /** Lets all through until `work` has ended. */
  async finish(work: Promise<unknown>): Promise<void> {
    while (await this.step(work));
    await work;
  }

  #wait<T>(send: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting = async () => {
        const reply = send();
        reply.then(resolve, reject);
        await reply.catch(() => {});
      };
      this.#arrived();
    });
  }
}

/** Every way to put two sequences of steps into one: `a` and `b` times of each. */
export function interleavings(a: number, b: number): ('a' | 'b')[][] {
  if (a === 0) return [Array<'b'>(b).fill('b')];
  if (b === 0) return [Array<'a'>(a).fill('a')];
  return [
    ...interleavings(a - 1, b).map((rest): ('a' | 'b')[] => ['a', ...rest]),
    ...interleavings(a, b - 1).map((rest): ('a' | 'b')[] => ['b', ...rest]),
  ];
}
