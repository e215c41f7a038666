import { describe, expect, test } from 'vitest';
import { type AnyJobDefinition, Discard, defineJob, RetryIn, SkipRetry } from '../../../shared/index.ts';
import { readErrors } from '../../../shared/wire/attempt-errors.ts';
import { unsplice } from '../../../shared/wire/attempts-record.ts';
import { redisTime, withBrokers } from '../../helpers/brokers.ts';
import { failed, failedTexts } from '../../helpers/queue-state.ts';
import { drain, startWorker } from '../../helpers/workers.ts';

/** Bytes that no re-encoding would leave alone. */
const PAYLOAD = String.raw`{ "class":"Life","args":[9007199254740993,1.0,"a\/b"],"x":{},"args2":[] }`;

withBrokers((stores) => {
  /** Moves the time on, and promotes what is due by then. */
  async function promoteAfter(ms: number): Promise<number> {
    redisTime.move(ms);
    return (await stores.tick()).retried;
  }

  /** Runs attempt after attempt, each after the wait that it was given: on Redis's clock, in milliseconds. */
  async function live(job: AnyJobDefinition) {
    const waits: number[] = [];
    const outcomes: string[] = [];
    for (;;) {
      const consumer = startWorker({ store: stores.store, jobs: [job], options: { exitOnComplete: true } });
      await consumer.ended;
      outcomes.push(...consumer.runs.map((run) => run.outcome));
      const [, score] = await stores.db.zrange(stores.keys.retry, '0', '0', 'WITHSCORES');
      if (score === undefined) return { waits, outcomes };
      const wait = Number(score) - redisTime.now();
      waits.push(wait);
      expect(await promoteAfter(wait - 1), 'a millisecond too early').toBe(0);
      expect(await promoteAfter(1)).toBe(1);
    }
  }

  test('a failing job runs its attempts, with the waits of its list, then goes to the failed list as it was pushed', async () => {
    const seen: unknown[] = [];
    const job = defineJob({
      class: 'Life',
      retry: { attempts: 4, backoff: ['10s', '1m40s'] },
      perform(_args, { job }) {
        seen.push([job.attempt, job.attempts, job.payload, job.queue]);
        throw new RangeError(`attempt ${job.attempt}`);
      },
    });
    await stores.produce('life', PAYLOAD);

    const { waits, outcomes } = await live(job);

    expect(seen).toEqual([1, 2, 3, 4].map((attempt) => [attempt, 4, PAYLOAD, 'life']));
    expect(outcomes).toEqual(['retried', 'retried', 'retried', 'failed']);
    expect(waits).toEqual([10_000, 100_000, 100_000]);
    const [entry] = await failedTexts(stores.db);
    expect(entry).toContain(`"payload":${PAYLOAD},"exception":"RangeError","error":"attempt 4"`);
    expect((await failed(stores.db))[0]?.backtrace[0]).toMatch(/^at .*retry\.test\.ts/);
  });

  test('a job that waits for its next attempt tells how the last three ended, and does not grow with them', async () => {
    const job = defineJob({
      class: 'Life',
      retry: { attempts: 6, backoff: '1s' },
      perform(_args, ctx) {
        throw new RangeError(`"attempt" ${ctx.job.attempt} {\\} ${'x'.repeat(5_000)}`);
      },
    });
    await stores.produce('life', PAYLOAD);
    const lengths: number[] = [];
    for (let attempt = 1; attempt <= 5; attempt++) {
      const consumer = startWorker({ store: stores.store, jobs: [job], options: { exitOnComplete: true } });
      await consumer.ended;
      const [payload] = await stores.db.hvals(stores.keys.retryPayloads);
      lengths.push(payload?.length ?? 0);
      const { record, payload: original } = unsplice(payload ?? '');
      expect(original).toBe(PAYLOAD);
      expect(readErrors(record?.errors)).toMatchObject(
        [attempt - 2, attempt - 1, attempt]
          .filter((one) => one > 0)
          .map((one) => ({ attempt: one, error: expect.stringMatching(new RegExp(`^RangeError: "attempt" ${one} `)) })),
      );
      await promoteAfter(1_000);
    }
    expect(Math.max(...lengths)).toBeLessThan(PAYLOAD.length + 1_000);
    expect(lengths[4]).toBe(lengths[2]);
    await stores.db.del(stores.keys.queue('life'));
  });

  test('a job keeps its id over all attempts, one that came with the payload and one that we gave it', async () => {
    const ids: string[] = [];
    const job = defineJob({
      class: 'Life',
      retry: { attempts: 2, backoff: '1s' },
      perform(_args, ctx) {
        ids.push(ctx.job.id);
        throw new Error('no');
      },
    });
    await stores.produce('life', '{"class":"Life","args":[],"id":"mine-1"}');
    await live(job);
    await stores.produce('life', '{"class":"Life","args":[]}');
    await live(job);

    expect(ids.slice(0, 2)).toEqual(['mine-1', 'mine-1']);
    expect(ids[2]).toMatch(/./);
    expect(ids[3]).toBe(ids[2]);
  });

  test('two equal payloads that fail are two retries', async () => {
    const job = defineJob({
      class: 'Life',
      retry: { attempts: 2, backoff: '1s' },
      perform(_args, ctx) {
        if (ctx.job.attempt === 1) throw new Error('no');
      },
    });
    await stores.produce('life', PAYLOAD, PAYLOAD, PAYLOAD);

    expect(await drain({ store: stores.store, jobs: [job] })).toMatchObject({ retried: 3, processed: 3 });
    expect(await promoteAfter(60_000)).toBe(3);
    expect(await stores.db.lrange(stores.keys.queue('life'), 0, -1)).toHaveLength(3);
    expect(await drain({ store: stores.store, jobs: [job] })).toMatchObject({ succeeded: 3, processed: 3 });
    expect(await failed(stores.db)).toEqual([]);
  });

  describe('what a handler throws', () => {
    const aggregate = new AggregateError([new TypeError('left'), 'right'], 'both sides');
    const causes = new Error('outer', { cause: new Error('inner') });
    test.each<[string, unknown, string, RegExp]>([
      ['a string', 'just text', 'NonErrorThrown', /the string "just text"/],
      ['null', null, 'NonErrorThrown', /null/],
      ['undefined', undefined, 'NonErrorThrown', /undefined/],
      ['a symbol', Symbol('s'), 'NonErrorThrown', /Symbol\(s\)/],
      ['an object without prototype', Object.create(null), 'NonErrorThrown', /object/],
      ['a frozen error', Object.freeze(new Error('cold')), 'Error', /^cold$/],
      ['an AggregateError', aggregate, 'AggregateError', /both sides.*TypeError: left.*right/],
      ['an error with a cause', causes, 'Error', /^outer$/],
      ['an error with a lone surrogate', new Error('half \ud83d'), 'Error', /^half \ufffd$/],
    ])('%s counts as a failed attempt and shows in the failed list', async (_name, thrown, exception, error) => {
      const attempts: number[] = [];
      const perform: AnyJobDefinition['perform'] = async (_args: never, ctx: { job: { attempt: number } }) => {
        attempts.push(ctx.job.attempt);
        throw thrown;
      };
      await stores.produce('life', PAYLOAD);

      await live(defineJob({ class: 'Life', retry: { attempts: 2, backoff: '1s' }, perform }));

      expect(attempts).toEqual([1, 2]);
      const [entry, ...others] = await failed(stores.db);
      expect(others).toEqual([]);
      expect(entry).toMatchObject({ exception, error: expect.stringMatching(error), queue: 'life' });
      expect(Date.parse(entry?.failed_at ?? '')).not.toBeNaN();
      if (thrown === causes) expect(entry?.backtrace).toContain('Caused by: Error: inner');
    });
  });

  test.each<[string, () => never, number, string, number]>([
    [
      'SkipRetry fails at once',
      () => {
        throw new SkipRetry('never');
      },
      0,
      'failed',
      1,
    ],
    [
      'Discard drops it without a failed entry',
      () => {
        throw new Discard();
      },
      0,
      'discarded',
      0,
    ],
    [
      'RetryIn waits as told, whatever the backoff says',
      () => {
        throw new RetryIn('500s');
      },
      500_000,
      'retried',
      0,
    ],
  ])('%s', async (_name, perform, wait, outcome, entries) => {
    const job = defineJob({ class: 'Life', retry: { attempts: 3, backoff: '9s' }, perform });
    await stores.produce('life', PAYLOAD);
    const consumer = startWorker({ store: stores.store, jobs: [job], options: { exitOnComplete: true } });
    await consumer.ended;

    expect(consumer.runs.map((run) => run.outcome)).toEqual([outcome]);
    expect(await stores.db.llen(stores.keys.failed)).toBe(entries);
    expect(await stores.db.zcard(stores.keys.retry)).toBe(wait === 0 ? 0 : 1);
    expect(await promoteAfter(Math.max(0, wait - 1))).toBe(0);
    expect(await promoteAfter(1)).toBe(wait === 0 ? 0 : 1);
  });

  test('RetryIn on the last attempt ends in the failed list', async () => {
    const perform = () => {
      throw new RetryIn('5s', 'later, please');
    };
    await stores.produce('life', PAYLOAD);
    const { outcomes } = await live(defineJob({ class: 'Life', retry: { attempts: 2 }, perform }));
    expect(outcomes).toEqual(['retried', 'failed']);
    expect(await failed(stores.db)).toMatchObject([{ exception: 'RetryIn', error: 'later, please' }]);
  });

  test.each<[string, () => number]>([
    [
      'throws',
      () => {
        throw new Error('my own mistake');
      },
    ],
    ['returns NaN', () => Number.NaN],
    ['returns less than 0', () => -1],
  ])('a backoff function that %s costs a warning, not the job', async (_name, backoff) => {
    const perform = () => {
      throw new Error('no');
    };
    await stores.produce('life', PAYLOAD);
    const consumer = startWorker({
      store: stores.store,
      jobs: [defineJob({ class: 'Life', retry: { backoff }, perform })],
      options: { exitOnComplete: true },
    });
    expect(await consumer.ended).toMatchObject({ retried: 1, failed: 0 });
    expect(consumer.log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('backoff function of Life') }),
    );
    expect(await promoteAfter(120_000)).toBe(1);
  });

  test('without a policy there are 5 attempts, with waits of n⁴ + 15 + random(30)·(n+1) seconds', async () => {
    const perform = () => {
      throw new Error('no');
    };
    await stores.produce('life', PAYLOAD);
    const { waits, outcomes } = await live(defineJob({ class: 'Life', perform }));

    expect(outcomes).toEqual(['retried', 'retried', 'retried', 'retried', 'failed']);
    for (const [i, wait] of waits.entries()) {
      const n = i + 1;
      expect(wait).toBeGreaterThanOrEqual(1000 * (n ** 4 + 15));
      expect(wait).toBeLessThanOrEqual(1000 * (n ** 4 + 15 + 29 * (n + 1)));
    }
  });
});
