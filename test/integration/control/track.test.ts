import { describe, expect, test } from 'vitest';
import {
  createClient,
  Discard,
  defineActiveJob,
  defineJob,
  RetryIn,
  UntrackedJobError,
  WaitTimeoutError,
} from '../../../shared/index.ts';
import { NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { drain, Gate } from '../../helpers/workers.ts';

const HOUR = 3_600_000;

withBrokers((stores) => {
  const options = () =>
    stores.backend === 'TCP' ? { url: stores.redis.url } : { url: stores.upstash.url, token: stores.upstash.token };
  const record = async (id: string | undefined) => {
    const text = await stores.db.get(stores.keys.jobStatus(id ?? ''));
    return text === null ? undefined : JSON.parse(text);
  };
  const seconds = (time: number) => Math.floor(time / 1000);

  test('a tracked job has a record that php-resque reads, from its enqueuing to its end', async () => {
    const told = new Gate();
    const gates = [new Gate(), new Gate()];
    const Report = defineJob({
      class: 'Report',
      queue: 'q',
      track: { result: '1h' },
      async perform(_args, ctx) {
        await told.opened;
        ctx.progress(40, 'page "2"] of 5');
        await gates[ctx.job.attempt - 1]?.opened;
        if (ctx.job.attempt === 1) throw new RetryIn('1m');
        return { pages: 5, big: 2n ** 64n };
      },
    });
    await using client = createClient({ ...options(), jobs: [Report] });
    const { id = '', payload } = await client.enqueue(Report, []);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.parse(payload)).toMatchObject({ id, queue_time: expect.any(Number), control: { keep: 3600 } });
    expect(await record(id)).toMatchObject({ status: 1, started: null, result: null, state: 'waiting', attempt: 0 });
    const before = await client.jobs.get(id);
    expect(before).toMatchObject({ state: 'queued', class: 'Report', tracked: { id, state: 'waiting', attempt: 0 } });

    const first = drain({ store: stores.store, jobs: [Report] });
    // By then there is nothing more to say to Redis, for as long as it runs.
    await eventually(async () => expect(await record(id)).toMatchObject({ state: 'running' }));
    told.open();
    await eventually(async () => expect((await record(id)).progress).toEqual([40, 'page "2"] of 5']));
    expect(await record(id)).toMatchObject({ status: 2, started: seconds(NOW), state: 'running', attempt: 1 });
    expect(await client.jobs.get(id)).toMatchObject({
      state: 'running',
      tracked: { state: 'running', progress: { percent: 40, note: 'page "2"] of 5' } },
    });
    gates[0]?.open();
    await first;
    expect(await client.jobs.get(id)).toMatchObject({
      state: 'retry',
      tracked: { state: 'retrying', attempt: 1, error: 'RetryIn: The handler asked for another attempt in 60s.' },
    });

    redisTime.move(60_000);
    await stores.promoteRetries();
    gates[1]?.open();
    await drain({ store: stores.store, jobs: [Report] });
    expect(await stores.db.get(stores.keys.jobStatus(id))).toContain('"result":{"pages":5,"big":18446744073709551616}');
    expect(await stores.db.ttl(stores.keys.jobStatus(id))).toBeLessThanOrEqual(3600);
    expect(await client.jobs.get(id)).toMatchObject({
      state: 'done',
      tracked: {
        state: 'succeeded',
        attempt: 2,
        result: { pages: 5, big: 2n ** 64n },
        error: undefined,
        progress: { percent: 40 },
      },
    });
    expect(await record(id)).toMatchObject({ status: 4, updated: seconds(NOW + 60_000), ended: expect.any(Number) });
  });

  test('how it ended, of what failed, was discarded, was no JSON, or was too large', async () => {
    const Report = defineJob({
      class: 'Report',
      queue: 'q',
      track: true,
      retry: { attempts: 1 },
      perform([what]) {
        if (what === 'fails') throw new RangeError('too far');
        if (what === 'drops') throw new Discard('not needed');
        return what === 'function' ? () => {} : 'x'.repeat(300_000);
      },
    });
    await using client = createClient({ ...options(), jobs: [Report] });
    const kinds = ['fails', 'drops', 'function', 'large'];
    const jobs = await client.enqueueAll(kinds.map((what) => ({ job: Report, args: [what] })));
    await drain({ store: stores.store, jobs: [Report] });
    const found = await Promise.all(jobs.map(({ id }) => client.jobs.wait(id ?? '')));
    expect(found.map(({ state, error, result }) => ({ state, error, result }))).toEqual([
      { state: 'failed', error: 'RangeError: too far', result: null },
      { state: 'discarded', error: 'Discard: not needed', result: null },
      { state: 'succeeded', error: expect.stringContaining('is no JSON'), result: null },
      { state: 'succeeded', error: expect.stringMatching(/300002 bytes of JSON, of which 262144/), result: null },
    ]);
    expect(await record(jobs[0]?.id)).toMatchObject({ status: 3 });
    expect(await record(jobs[1]?.id)).toMatchObject({ status: 4, state: 'discarded' });
    await stores.db.flushall();
  });

  test('one that failed and is retried is followed anew, and holds its lock again', async () => {
    let fails = true;
    const Report = defineJob({
      class: 'Report',
      queue: 'q',
      track: true,
      unique: {},
      retry: { attempts: 1 },
      perform() {
        if (fails) throw new Error('boom');
        return 7;
      },
    });
    await using client = createClient({ ...options(), jobs: [Report] });
    const { id = '' } = await client.enqueue(Report, ['Zoë']);
    await drain({ store: stores.store, jobs: [Report] });
    expect(await client.jobs.wait(id)).toMatchObject({ state: 'failed', error: 'Error: boom' });
    // Its record has expired by the time that somebody comes to it.
    await stores.db.del(stores.keys.jobStatus(id));
    expect(await client.failed.retryAll({})).toBe(1);
    expect(await client.jobs.get(id)).toMatchObject({
      state: 'queued',
      tracked: { state: 'waiting', error: undefined },
    });
    expect(await stores.db.ttl(stores.keys.jobStatus(id))).toBeGreaterThan(86_400);
    expect(await client.enqueue(Report, ['Zoë'])).toMatchObject({ duplicate: true, id });
    const waiting = client.jobs.wait(id);
    fails = false;
    await drain({ store: stores.store, jobs: [Report] });
    expect(await waiting).toMatchObject({ state: 'succeeded', result: 7 });
    expect(await client.enqueue(Report, ['Zoë'])).toMatchObject({ duplicate: false });
    await stores.db.flushall();
  });

  test('an ActiveJob is tracked too', async () => {
    const Welcome = defineActiveJob({ job: 'WelcomeJob', queue: 'q', track: true, unique: {}, perform: () => 'hello' });
    await using client = createClient({ ...options(), jobs: [Welcome] });
    const { id = '' } = await client.enqueue(Welcome, ['Zoë']);
    expect(await client.enqueue(Welcome, ['Zoë'])).toMatchObject({ duplicate: true, id });
    await drain({ store: stores.store, jobs: [Welcome] });
    expect(await client.jobs.wait(id)).toMatchObject({ state: 'succeeded', result: 'hello' });
    expect(await client.enqueue(Welcome, ['Zoë'])).toMatchObject({ duplicate: false });
    await stores.db.flushall();
  });

  describe('wait', () => {
    const Report = defineJob({ class: 'Report', queue: 'q', track: true, perform: () => 7 });

    test('resolves when the job ends, for all that wait for it', async () => {
      await using client = createClient({ ...options(), jobs: [Report] });
      const { id = '' } = await client.enqueue(Report, []);
      const [other] = [await client.enqueue(Report, [])];
      const waits = [0, 1, 2].map(() => client.jobs.wait(id, { timeout: '50s' }));
      const channel = 'resque:jobs:ended';
      if (stores.backend === 'TCP') {
        await eventually(async () => expect(await stores.db.pubsub('NUMSUB', channel)).toEqual([channel, 1]));
        await stores.db.config('RESETSTAT');
      }
      await drain({ store: stores.store, jobs: [Report] });
      for (const found of await Promise.all(waits)) expect(found).toMatchObject({ id, state: 'succeeded', result: 7 });
      if (stores.backend === 'TCP') {
        // One look for each that waits, when it is told.
        expect(Number(/cmdstat_get:calls=(\d+)/.exec(await stores.db.info('commandstats'))?.[1])).toBeLessThan(20);
        await eventually(async () => expect(await stores.db.pubsub('NUMSUB', channel)).toEqual([channel, 0]));
      }
      expect(await client.jobs.wait(other?.id ?? '')).toMatchObject({ state: 'succeeded' });
      await stores.db.flushall();
    });

    test('hears of an end that came while its connection was cut, and of one that was removed', async () => {
      await using client = createClient({ ...options(), jobs: [Report] });
      const [first, second] = [await client.enqueue(Report, []), await client.enqueue(Report, [])];
      const waits = [first, second].map(({ id }) => client.jobs.wait(id ?? '', { timeout: '50s' }));
      if (stores.backend === 'TCP') {
        await eventually(async () => expect(await stores.db.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe(1));
      }
      expect(await client.jobs.remove((await client.jobs.get(second.id ?? '')) as never)).toBe(true);
      await drain({ store: stores.store, jobs: [Report] });
      expect((await Promise.all(waits)).map(({ state }) => state)).toEqual(['succeeded', 'discarded']);
      await stores.db.flushall();
    });

    test('ends with its timeout, its signal, and where nobody tracks the job', async () => {
      await using client = createClient({ ...options(), jobs: [Report] });
      const { id = '' } = await client.enqueue(Report, [], { in: HOUR });
      await expect(client.jobs.wait(id, { timeout: '20ms' })).rejects.toThrow(WaitTimeoutError);
      await expect(client.jobs.wait(id, { timeout: '20ms' })).rejects.toThrow(
        /had not ended after 20 ms: it was waiting/,
      );
      const reason = new Error('enough');
      const controller = new AbortController();
      const wait = client.jobs.wait(id, { signal: controller.signal });
      controller.abort(reason);
      await expect(wait).rejects.toBe(reason);
      await expect(client.jobs.wait('nobody')).rejects.toThrow(UntrackedJobError);
      await expect(client.jobs.wait(id, { timeout: 5 })).rejects.toThrow(/timeout must be a duration/);
      await stores.db.flushall();
    });
  });
});
