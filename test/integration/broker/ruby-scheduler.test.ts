import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DelayedMove } from '../../../shared/broker/broker.ts';
import { dump, NOW, withBrokers } from '../../helpers/brokers.ts';
import { dueLists, promoteDelayed } from '../../helpers/scheduler/run-step.ts';

const SECONDS = NOW / 1000;
const LIST = `delayed:${SECONDS}`;

/** resque-scheduler 5.0.0's `enqueue_items_in_batch_for_timestamp`, in the steps in which its commands reach Redis. */
class RubyScheduler {
  readonly #redis: Redis;
  readonly #batch: number;
  #items: string[] = [];

  constructor(redis: Redis, batch = 100) {
    this.#redis = redis;
    this.#batch = batch;
  }

  async read(): Promise<void> {
    this.#items = await this.#redis.lrange(`resque:${LIST}`, 0, this.#batch - 1);
  }

  async watch(): Promise<void> {
    await this.#redis.watch(`resque:${LIST}`);
  }

  /** @returns whether the transaction was carried out */
  async execute(): Promise<boolean> {
    const multi = this.#redis.multi();
    for (const item of this.#items) {
      const { class: className, args, queue } = JSON.parse(item) as { class: string; args: unknown[]; queue: string };
      multi.srem(`resque:timestamps:${item}`, LIST);
      multi.sadd('resque:queues', queue);
      multi.rpush(`resque:queue:${queue}`, JSON.stringify({ class: className, args }));
    }
    multi.ltrim(`resque:${LIST}`, this.#batch, -1);
    return (await multi.exec()) !== null;
  }

  /** `clean_up_timestamp` */
  async cleanUp(): Promise<void> {
    await this.#redis.watch(`resque:${LIST}`);
    if ((await this.#redis.llen(`resque:${LIST}`)) > 0) return void (await this.#redis.unwatch());
    await this.#redis.multi().del(`resque:${LIST}`).zrem('resque:delayed_queue_schedule', SECONDS).exec();
  }
}

withBrokers((stores) => {
  let connection: Redis;
  beforeAll(() => {
    connection = stores.redis.client.duplicate();
  });
  afterAll(() => connection.disconnect());

  const names = ['a', 'b', 'c', 'd'];
  const delayed = (name: string) => `{"class":"${name}","args":[],"queue":"q"}`;
  const add = (...added: string[]) =>
    stores.store.enqueueDelayed(added.map((name) => ({ seconds: SECONDS, payload: delayed(name) })));
  const promoted = async () =>
    (await stores.queued('q')).map((payload) => (JSON.parse(payload) as { class: string }).class);
  const moves = async (limit = 100) => {
    const [due] = await dueLists(stores.store, limit, 1e6);
    return (due?.payloads ?? []).map((bytes): DelayedMove => ({ bytes, to: 'queue', queue: 'q' }));
  };

  /** All that is left when everything was promoted. */
  async function expectClean(): Promise<void> {
    expect(Object.keys(await dump(stores.db))).toEqual(['resque:queue:q', 'resque:queues']);
  }

  it('promotes nothing again that Ruby promoted after we had read it', async () => {
    await add(...names);
    const ruby = new RubyScheduler(connection);
    const ours = await moves();
    await ruby.read();
    await ruby.watch();
    expect(await ruby.execute()).toBe(true);

    expect(await stores.store.promoteDelayed([{ time: `${SECONDS}`, moves: ours }])).toMatchObject({
      queued: 0,
      failed: 0,
    });

    await ruby.cleanUp();
    expect(await promoted()).toEqual(names);
    await expectClean();
  });

  it('makes Ruby’s transaction fail that was begun before we promoted', async () => {
    await add(...names);
    const ruby = new RubyScheduler(connection);
    await ruby.read();
    await ruby.watch();

    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 4, failed: 0 });

    expect(await ruby.execute()).toBe(false);
    await ruby.cleanUp();
    expect(await promoted()).toEqual(names);
    await expectClean();
  });

  it('makes Ruby’s transaction fail also when we promoted only a part', async () => {
    await add(...names);
    const ruby = new RubyScheduler(connection);
    const ours = await moves(2);
    await ruby.read();
    await ruby.watch();

    expect(await stores.store.promoteDelayed([{ time: `${SECONDS}`, moves: ours }])).toMatchObject({
      queued: 2,
      failed: 0,
    });
    expect(await ruby.execute()).toBe(false);

    await ruby.read();
    await ruby.watch();
    expect(await ruby.execute()).toBe(true);
    await ruby.cleanUp();
    expect(await promoted()).toEqual(names);
    await expectClean();
  });

  it('goes on behind the batch that Ruby promoted', async () => {
    await add(...names);
    const ruby = new RubyScheduler(connection, 2);
    await ruby.read();
    await ruby.watch();
    const ours = await moves();
    expect(await ruby.execute()).toBe(true);

    expect(await stores.store.promoteDelayed([{ time: `${SECONDS}`, moves: ours }])).toMatchObject({
      queued: 0,
      failed: 0,
    });
    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 2, failed: 0 });

    await ruby.cleanUp();
    expect(await promoted()).toEqual(names);
    await expectClean();
  });

  it('leaves a job alone that was enqueued for the same second while Ruby cleaned up', async () => {
    await add('a');
    const ruby = new RubyScheduler(connection);
    await ruby.read();
    await ruby.watch();
    expect(await ruby.execute()).toBe(true);
    await add('b');
    await ruby.cleanUp();

    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 1, failed: 0 });

    expect(await promoted()).toEqual(['a', 'b']);
    await expectClean();
  });

  it('finishes what Ruby left half done: an empty list still on the schedule', async () => {
    await add('a');
    const ruby = new RubyScheduler(connection);
    await ruby.read();
    await ruby.watch();
    await ruby.execute();

    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 0, failed: 0 });

    await expectClean();
  });

  it('promotes each job once with Ruby at work all the time', async () => {
    const many = Array.from({ length: 600 }, (_, i) => `${i}`);
    await add(...many);
    const ruby = new RubyScheduler(connection, 20);
    const rubys = async () => {
      // Reads under WATCH: what Ruby read before it, nobody can take away from it.
      for (let rounds = 0; rounds < 1_000 && (await connection.exists(`resque:${LIST}`)) === 1; rounds++) {
        await ruby.watch();
        await ruby.read();
        await ruby.execute();
      }
      await ruby.cleanUp();
    };
    const ours = async () => {
      for (let rounds = 0; rounds < 1_000; rounds++) {
        const some = await moves(15);
        if (some.length === 0) break;
        await stores.store.promoteDelayed([{ time: `${SECONDS}`, moves: some }]);
      }
    };

    await Promise.all([rubys(), ours()]);

    expect((await promoted()).toSorted()).toEqual(many.toSorted());
    await expectClean();
  });
});
