import { describe, expect, test } from 'vitest';
import { Connection } from '../../../functions/runtime/connection.ts';
import type { RedisClient, Reply, Script } from '../../../shared/broker/redis/client.ts';
import { RedisAuthError, RedisUnavailableError } from '../../../shared/errors.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const PING = ['PING'];

/** Clients that are made one after the other; each says whether it is refused. */
function start(...accepted: boolean[]) {
  const clock = new ManualClock();
  const made: { closed: boolean; commands: number }[] = [];
  const connection = new Connection(async () => {
    const number = made.length;
    const state = { closed: false, commands: 0 };
    made.push(state);
    const answer = async (): Promise<Reply> => {
      state.commands++;
      if (!(accepted[number] ?? true)) throw new RedisAuthError('WRONGPASS');
      return number;
    };
    return {
      address: 'redis:1',
      command: answer,
      script: answer,
      async close() {
        state.closed = true;
      },
    };
  });
  const invocation = (ms = 60_000) => connection.forInvocation(clock, clock.now() + ms);
  return { clock, made, connection, invocation };
}

describe('the connection of an environment', () => {
  test('is made once, for all invocations', async () => {
    const { made, connection, invocation } = start();
    connection.warmUp();
    for (let i = 0; i < 3; i++) {
      const client = await invocation();
      expect(client.address).toBe('redis:1');
      expect(await client.command(PING)).toBe(0);
      expect(await client.script({} as Script, [], [])).toBe(0);
      await client.close();
    }
    expect(made).toEqual([{ closed: false, commands: 6 }]);
  });

  test('is made anew when refused, and the command is sent again', async () => {
    const { made, invocation } = start(false, true);
    const client = await invocation();
    expect(await client.command(PING)).toBe(1);
    expect(made).toEqual([
      { closed: true, commands: 1 },
      { closed: false, commands: 1 },
    ]);
    expect(await (await invocation()).command(PING)).toBe(1);
  });

  test('is made anew once for each invocation', async () => {
    const { made, invocation } = start(false, false, false, true);
    const client = await invocation();
    await expect(client.command(PING)).rejects.toThrow(RedisAuthError);
    await expect(client.command(PING)).rejects.toThrow(RedisAuthError);
    expect(made).toHaveLength(2);
    const next = await invocation();
    await expect(next.command(PING)).rejects.toThrow(RedisAuthError);
    expect(made).toHaveLength(3);
    expect(await (await invocation()).command(PING)).toBe(3);
  });

  test('is made anew once for commands that are refused together', async () => {
    const { made, invocation } = start(false, true);
    const client = await invocation();
    expect(await Promise.all([1, 2, 3].map(() => client.command(PING)))).toEqual([1, 1, 1]);
    expect(made).toHaveLength(2);
  });

  test('is tried again where it failed before, in the cold start or in an invocation', async () => {
    const clock = new ManualClock();
    let failures = 3;
    const connection = new Connection(async () => {
      if (failures-- > 0) throw new Error('the secret cannot be read');
      return { address: 'redis:1', command: async () => 1 } as unknown as RedisClient;
    });
    connection.warmUp();
    const invocation = () => connection.forInvocation(clock, clock.now() + 1);
    await expect(invocation()).rejects.toThrow('the secret cannot be read');
    await expect((await invocation()).command(PING)).resolves.toBe(1);
  });
});

describe('a client of an invocation', () => {
  test('waits for no answer beyond its time', async () => {
    const clock = new ManualClock();
    const connection = new Connection(
      async () => ({ address: 'redis:1', command: () => new Promise<Reply>(() => {}) }) as unknown as RedisClient,
    );
    const client = await connection.forInvocation(clock, clock.now() + 1_000);
    const answers = [client.command(PING), client.command(PING)].map((one) => one.catch((error: unknown) => error));
    await clock.advance(1_000);
    for (const answer of answers) expect(await answer).toBeInstanceOf(RedisUnavailableError);
    await expect(client.command(PING)).rejects.toThrow('Redis at redis:1 did not answer before');
    await client.close();
    expect(clock.pending).toBe(0);
  });

  test('leaves no timer behind', async () => {
    const { clock, invocation } = start();
    const client = await invocation();
    await client.command(PING);
    await client.close();
    expect(clock.pending).toBe(0);
  });
});
