import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Args, defineJob } from '../../../shared/index.ts';
import { createEnqueuer, createRegistry } from '../../../shared/internal.ts';
import { parseWithBigInts } from '../../../shared/json.ts';
import { unsplice } from '../../../shared/wire/attempts-record.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { MovingClock } from '../../helpers/moving-clock.ts';
import { drain } from '../../helpers/workers.ts';

/**
 * goworker (commit f3aeb48, Go 1.26), pyres 1.5 (Python 3.11, redis-py 2.10) and jesque 2.2.0 (Java 17): what their clients
 * pushed to a Redis 7.0, and what arguments their workers gave to handlers of payloads that ours had pushed there.
 */
interface Pushed {
  readonly producer: string;
  readonly note: string;
  readonly key: string;
  readonly raw: string;
}
interface Read {
  readonly reader: string;
  readonly raw: string;
  /** The argument list, as JSON that the reader wrote. */
  readonly got: string;
}
const lines = readFileSync(new URL('../../wire/other-clients.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const all = lines.map((line) => JSON.parse(line) as Pushed | Read);
const pushed = all.filter((one): one is Pushed => 'producer' in one);
const read = all.filter((one): one is Read => 'reader' in one);

const classOf = (raw: string) => (JSON.parse(raw) as { class: string }).class;

withBrokers((stores) => {
  test('what they push is run here with its arguments, and keeps its bytes when it fails and when it is tried again', async () => {
    const ran = new Map<string, Args>();
    const jobs = [...new Set(pushed.map(({ raw }) => classOf(raw)))].map((name) =>
      defineJob({
        class: name,
        retry: { attempts: 2, backoff: '1m' },
        perform(args, ctx) {
          ran.set(ctx.job.payload, args);
          if (name.endsWith('Boom')) throw new Error('boom');
        },
      }),
    );
    for (const { key, raw } of pushed) {
      const [, kind, name = ''] = key.split(':');
      if (kind === 'queue') await stores.produce(name, raw);
      else await stores.store.enqueueDelayed([{ seconds: 1, payload: raw }]);
    }
    // Delayed jobs of pyres name their queue, as resque-scheduler's do.
    await stores.tick();

    await drain({ store: stores.store, jobs });

    const argsOf = (raw: string) => (parseWithBigInts(raw) as { args: Args | null }).args ?? [];
    for (const { raw } of pushed) expect(ran.get(raw), raw).toEqual(argsOf(raw));
    const failing = pushed.filter(({ raw }) => classOf(raw).endsWith('Boom')).map(({ raw }) => raw);
    const waiting = Object.values(await stores.db.hgetall(stores.keys.retryPayloads));
    expect(waiting.map((payload) => unsplice(payload).payload).sort()).toEqual(failing.sort());

    for (const payload of waiting) await stores.produce('again', payload);
    await drain({ store: stores.store, jobs });

    const entries = await stores.db.lrange(stores.keys.failed, 0, -1);
    for (const raw of failing) expect(entries.filter((entry) => entry.includes(`"payload":${raw},`))).toHaveLength(1);
    await stores.db.flushall();
  });

  test.each(read)('what $reader has read of ours is what we write: $raw', async ({ raw, got }) => {
    const { payload } = unsplice(raw);
    const { class: name, args } = parseWithBigInts(payload) as { class: string; args: Args };
    expect(parseWithBigInts(got)).toEqual(args);
    const client = createEnqueuer({ store: stores.store, clock: new MovingClock(), registry: createRegistry([]) });
    await client.enqueue({ class: name, queue: 'q' }, args);
    expect(await stores.db.lrange(stores.keys.queue('q'), 0, -1)).toEqual([payload]);
    await stores.db.flushall();
  });
});
