import type { RedisClient } from '../../shared/broker/redis/client.ts';
import { RedisUnavailableError } from '../../shared/index.ts';
import type { TestRedis } from './redis-server.ts';

export type Fault = 'before' | 'after' | 'restart';

export interface DyingClient {
  readonly client: RedisClient;
  /** Resolves when it has died; never, where it does not. */
  readonly death: Promise<void>;
  died(): boolean;
  calls(): number;
}

/** Whoever uses it dies with its call of this number: Redis never hears of it, or nobody of the answer; or Redis itself is killed. */
export function dyingClient(client: RedisClient, redis: TestRedis, at: number, how: Fault): DyingClient {
  let calls = 0;
  let dead = false;
  const death = Promise.withResolvers<void>();
  const through = async <Answer>(send: () => Promise<Answer>): Promise<Answer> => {
    if (dead) throw new RedisUnavailableError('This one is dead.');
    const fatal = ++calls === at;
    if (!fatal) return send();
    if (how === 'restart') {
      const answer = await send();
      await redis.kill();
      await redis.start();
      return answer;
    }
    if (how === 'after') await send();
    dead = true;
    death.resolve();
    throw new RedisUnavailableError('It died.');
  };
  return {
    died: () => dead,
    calls: () => calls,
    death: death.promise,
    client: {
      address: client.address,
      command: (args) => through(() => client.command(args)),
      script: (script, keys, args) => through(() => client.script(script, keys, args)),
      close: async () => {},
    },
  };
}
