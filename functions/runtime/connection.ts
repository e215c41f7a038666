import { RedisAuthError, RedisUnavailableError } from '../../shared/index.ts';
import type { Clock, RedisClient } from '../../shared/internal.ts';

/** The Redis client of an execution environment: made once, kept for all its invocations, made anew when refused. */
export class Connection {
  readonly #connect: () => Promise<RedisClient>;
  #client: Promise<RedisClient> | undefined;

  /** @param connect reads the secrets and makes a client; nothing is sent to Redis yet */
  constructor(connect: () => Promise<RedisClient>) {
    this.#connect = connect;
  }

  /** Begins during the cold start what the first invocation will need. */
  warmUp(): void {
    this.#open().catch(() => {});
  }

  /**
   * The client for one invocation; close it at its end.
   *
   * When Redis refuses the credentials they are read anew, since they may have been rotated, and the command is sent
   * again: once for each invocation, so that wrong credentials are an error and not a loop. Commands that have no answer
   * at `until` fail, so that the invocation can still say so: what it leaves behind is reclaimed with its lease.
   * @param until epoch ms
   * @throws AwsError, ConfigError
   */
  async forInvocation(clock: Clock, until: number): Promise<RedisClient> {
    // The environment may have been frozen while it read the secrets: that failure says nothing.
    const first = await this.#open().catch(() => this.#open());
    const end = new End(clock, until, first.address);
    let client = first;
    let renewal: Promise<void> | undefined;
    let renewed = false;

    const renewing = async <Answer>(run: (client: RedisClient) => Promise<Answer>): Promise<Answer> => {
      const used = client;
      try {
        return await end.limit(run(used));
      } catch (error) {
        if (!(error instanceof RedisAuthError) || (used === client && renewed)) throw error;
        renewal ??= this.#renew(first).then((fresh) => {
          client = fresh;
          renewed = true;
        });
        await renewal;
        return end.limit(run(client));
      }
    };
    return {
      address: first.address,
      ...(first.cluster ? { cluster: true } : {}),
      command: (args) => renewing((one) => one.command(args)),
      script: (script, keys, args) => renewing((one) => one.script(script, keys, args)),
      // The connection itself outlives the invocation.
      close: async () => end.close(),
    };
  }

  #open(): Promise<RedisClient> {
    if (this.#client) return this.#client;
    const opening = this.#connect();
    this.#client = opening;
    opening.catch(() => {
      if (this.#client === opening) this.#client = undefined;
    });
    return opening;
  }

  async #renew(refused: RedisClient): Promise<RedisClient> {
    const fresh = this.#connect();
    const client = await fresh;
    this.#client = fresh;
    await refused.close();
    return client;
  }
}

/** The moment after which an invocation waits for no answer. */
class End {
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #address: string;
  readonly #cancel: () => void;
  #over: Error | undefined;

  constructor(clock: Clock, until: number, address: string) {
    this.#address = address;
    this.#cancel = clock.after(until - clock.now(), () => this.#come());
  }

  limit<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#over) reject(this.#over);
      // Not Promise.race with one promise for all: that would keep each answer until the end.
      else this.#waiting.add(reject);
      const done = () => this.#waiting.delete(reject);
      answer.then(resolve, reject).finally(done);
    });
  }

  close(): void {
    this.#cancel();
  }

  #come(): void {
    this.#over = new RedisUnavailableError(
      `Redis at ${this.#address} did not answer before the invocation's time was over.`,
    );
    for (const reject of this.#waiting) reject(this.#over);
  }
}
