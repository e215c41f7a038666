import { describe, expect, test } from 'vitest';
import { ConfigError, type FoundJobs, type JobQuery, type JobState } from '../../../shared/index.ts';
import { addError } from '../../../shared/wire/attempt-errors.ts';
import { spliceText } from '../../../shared/wire/attempts-record.ts';
import { dump, NOW, retry, withBrokers } from '../../helpers/brokers.ts';
import { inspectorOf } from '../../helpers/inspector.ts';
import { samples } from '../../helpers/payloads.ts';

const HOUR = 3_600_000;
const SECONDS = Math.floor(NOW / 1000) + 60;

withBrokers((stores) => {
  const view = () => inspectorOf(stores).jobs;
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const job = (id: string, more = '') => `{"class":"Job","args":["${id}"],"id":"${id}"${more}}`;
  const delayed = async (payload: string, seconds = SECONDS) => {
    await stores.store.enqueueDelayed([{ seconds, payload }]);
  };

  async function all(query: JobQuery): Promise<FoundJobs[]> {
    const jobs = view();
    const pages: FoundJobs[] = [];
    let cursor: string | undefined;
    do {
      const page: FoundJobs = await jobs.find({ ...query, ...(cursor === undefined ? {} : { cursor }) });
      pages.push(page);
      cursor = page.cursor;
      if (pages.length > 1_000) throw new Error('The pages do not end.');
    } while (cursor !== undefined);
    return pages;
  }
  const ids = async (query: JobQuery) => (await all(query)).flatMap(({ items }) => items.map((one) => one.id));

  /** One job in each state. */
  async function everywhere(): Promise<void> {
    await stores.produce('other', job('held'), job('again'));
    const worker = stores.worker();
    const [, again] = await worker.take('other');
    if (!again) throw new Error('two were queued');
    await worker.sync({
      settle: [
        retry(again, {
          id: 'x-1',
          attempts: 2,
          deaths: 1,
          errors: addError(undefined, { attempt: 2, at: NOW, error: 'E: no' }),
        }),
      ],
    });
    await stores.produce('q', job('waits', ',"queue_time":1795725577.5'));
    await delayed(job('later', ',"queue":"q"'));
    await stores.db.rpush(
      stores.keys.failed,
      `{"failed_at":"2026/11/20 20:29:37 UTC","payload":${job('failed')},"exception":"E","error":"e","backtrace":[],"worker":"w:1:q","queue":"q"}`,
    );
  }

  describe('finding', () => {
    test('looks in every place where a job may be, and tells what is known', async () => {
      await everywhere();
      const [page] = await all({ class: 'Job' });
      expect(page).toMatchObject({ complete: true, cursor: undefined, scanned: 5 });
      expect(page?.items).toMatchObject([
        { state: 'scheduled', id: 'later', queue: 'q', at: new Date(SECONDS * 1000) },
        {
          state: 'retry',
          id: 'again',
          queue: 'other',
          attempts: 2,
          deaths: 1,
          payload: job('again'),
          bytes: job('again').length,
          errors: [{ attempt: 2, at: new Date(NOW), error: 'E: no' }],
        },
        {
          state: 'queued',
          id: 'waits',
          queue: 'q',
          args: ['waits'],
          enqueuedAt: new Date(1795725577500),
          attempts: 0,
          exact: true,
        },
        { state: 'running', id: 'held', queue: 'other', worker: expect.stringMatching(/^lambdesque-/) },
        {
          state: 'failed',
          id: 'failed',
          queue: 'q',
          at: new Date('2026-11-20T20:29:37Z'),
          worker: 'w:1:q',
          errors: [{ error: 'E: e' }],
        },
      ]);
    });

    test.each<[JobState, string]>([
      ['running', 'held'],
      ['scheduled', 'later'],
      ['retry', 'again'],
      ['queued', 'waits'],
      ['failed', 'failed'],
    ])('takes only %s jobs where it is told so, and gets each by its id', async (state, id) => {
      await everywhere();
      expect(await ids({ states: [state] })).toEqual([id]);
      expect(await view().get(id)).toMatchObject({ state, id });
      expect(await ids({ text: `["${id}"]` })).toEqual([id]);
    });

    test('goes on through pages, and looks at no more than it may', async () => {
      await everywhere();
      const pages = await all({ limit: 1 });
      expect(pages.flatMap(({ items }) => items.map((one) => one.id)).toSorted()).toEqual([
        'again',
        'failed',
        'held',
        'later',
        'waits',
      ]);
      expect(pages.every(({ items }) => items.length <= 1)).toBe(true);
    });

    test('finds by queue, whatever the state', async () => {
      await everywhere();
      expect(await ids({ queue: 'other' })).toEqual(['again', 'held']);
      expect(await ids({ queue: 'q' })).toEqual(['later', 'waits', 'failed']);
      expect(await ids({ queue: 'nobody' })).toEqual([]);
    });

    test('finds a retried job by the id that it got with its first retry', async () => {
      const payload = '{"class":"A","args":[]}';
      await stores.produce('q', `{${spliceText({ id: 'tok-7', attempts: 1, deaths: 0 })}${payload.slice(1)}`);
      expect(await view().get('tok-7')).toMatchObject({ id: 'tok-7', attempts: 1, payload });
    });

    test('knows of a done job what php-resque’s record says', async () => {
      const id = 'd96d3448e98b29aace86a5474d84fe78';
      await stores.db.set(
        stores.keys.jobStatus(id),
        '{"status":4,"updated":1795725577,"started":1795725570,"result":null}',
      );
      expect(await view().get(id)).toMatchObject({ state: 'done', id, at: new Date(1795725577000), payload: '' });
      await stores.db.set(stores.keys.jobStatus(id), '{"status":2}');
      expect(await view().get(id)).toBeUndefined();
    });

    test('shows what a worker of another kind works on', async () => {
      await stores.db.sadd(stores.keys.workers, 'ruby:1:q');
      await stores.db.set(
        stores.keys.worker('ruby:1:q'),
        `{"queue":"q","run_at":"2026-11-20T20:29:37Z","payload":${job('theirs')}}`,
      );
      expect((await all({ states: ['running'] }))[0]?.items).toMatchObject([
        { state: 'running', id: 'theirs', queue: 'q', worker: 'ruby:1:q', at: new Date('2026-11-20T20:29:37Z') },
      ]);
      await stores.db.del(stores.keys.workers, stores.keys.worker('ruby:1:q'));
    });

    test('meets a job that is started meanwhile', async () => {
      await stores.produce('q', job('first'), job('second'));
      const jobs = view();
      const page = await jobs.find({ limit: 1 });
      await stores.worker().take('q', 2);
      const rest = await jobs.find({ cursor: page.cursor ?? '' });
      expect([page, rest].flatMap(({ items }) => items.map(({ id }) => id))).toEqual(['first', 'first', 'second']);
    });

    test('shows running jobs page by page, of others’ workers too, whatever ends in between', async () => {
      const worker = stores.worker();
      await stores.produce('q', ...range(0, 300).map((i) => job(`j${i}`)));
      await worker.take('q', 300);
      const theirs = range(0, 60).map((i) => `ruby${String(i).padStart(2, '0')}:1:q`);
      await stores.db.sadd(stores.keys.workers, ...theirs);
      for (const id of theirs) await stores.db.set(stores.keys.worker(id), `{"queue":"q","payload":${job(id)}}`);
      const jobs = view();
      const found: (string | undefined)[] = [];
      let cursor: string | undefined;
      let scanned = 0;
      do {
        const page: FoundJobs = await jobs.find({
          states: ['running'],
          limit: 7,
          ...(cursor !== undefined && { cursor }),
        });
        expect(page.items.length).toBeLessThanOrEqual(7);
        for (const { id } of page.items) found.push(id);
        scanned += page.scanned;
        cursor = page.cursor;
        // What was shown ends; the fields behind it move up.
        const ended = (await stores.db.hkeys(stores.keys.inflight(worker.id))).filter((field) =>
          found.includes(`j${field.split(':')[0]}`),
        );
        if (ended.length > 0) await stores.db.hdel(stores.keys.inflight(worker.id), ...ended);
      } while (cursor !== undefined);
      expect(found.toSorted()).toEqual([...range(0, 300).map((i) => `j${i}`), ...theirs].toSorted());
      expect(scanned).toBeGreaterThanOrEqual(360);
      await stores.db.del(stores.keys.workers, ...theirs.map(stores.keys.worker));
    });

    test('shows any payload as it stands', async () => {
      await stores.produce('q', ...samples.map(({ bytes }) => bytes));
      const found = (await all({ limit: 10 })).flatMap(({ items }) => items);
      expect(found.map(({ payload, exact }) => (exact ? payload : undefined))).toEqual(
        samples.map(({ bytes }) => (bytes.equals(Buffer.from(bytes.toString())) ? bytes.toString() : undefined)),
      );
      expect(found.map(({ bytes }) => bytes)).toEqual(samples.map(({ bytes }) => bytes.length));
    });

    test('goes through thousands of jobs and queues in bounded calls', async () => {
      for (let i = 0; i < 70_000; i += 5_000) {
        await stores.db.rpush(stores.keys.queue('big'), ...range(i, i + 5_000).map((one) => job(`j${one}`)));
      }
      await stores.db.sadd(stores.keys.queues, 'big', ...range(0, 300).map((i) => `empty${i}`));
      const pages = await all({ id: 'j69999' });
      expect(pages.flatMap(({ items }) => items)).toMatchObject([{ id: 'j69999', queue: 'big' }]);
      expect(pages.reduce((sum, { scanned }) => sum + scanned, 0)).toBe(70_000);
      for (const { scanned } of pages) expect(scanned).toBeLessThanOrEqual(60_000);
    });

    test('keeps its place in a queue that is worked on', async () => {
      await stores.produce('q', ...range(0, 300).map((i) => job(`j${i}`)));
      const jobs = view();
      const first = await jobs.find({ queue: 'q', limit: 100 });
      await stores.db.ltrim(stores.keys.queue('q'), 60, -1);
      await stores.produce('q', job('new'));
      const second = await jobs.find({ queue: 'q', limit: 100, cursor: first.cursor ?? '' });
      expect(second.items.map(({ id }) => id)).toEqual(range(100, 200).map((i) => `j${i}`));
      await stores.db.ltrim(stores.keys.queue('q'), 200, -1);
      const third = await jobs.find({ queue: 'q', limit: 100, cursor: second.cursor ?? '' });
      expect(
        third.items.map(({ id }) => id),
        'all that was shown has gone',
      ).toEqual([...range(260, 300).map((i) => `j${i}`), 'new']);
    });

    test('goes on with retries of one time, though the last one has gone', async () => {
      for (const name of ['a', 'b', 'c', 'd']) {
        await stores.db.zadd(stores.keys.retry, NOW, `${name}:q`);
        await stores.db.hset(stores.keys.retryPayloads, `${name}:q`, job(name));
      }
      const jobs = view();
      const first = await jobs.find({ states: ['retry'], limit: 2 });
      await jobs.remove(first.items[1] as never);
      const second = await jobs.find({ states: ['retry'], limit: 2, cursor: first.cursor ?? '' });
      expect([first, second].flatMap(({ items }) => items.map(({ id }) => id))).toEqual(['a', 'b', 'c', 'd']);
    });

    test('has no other states, limits or cursors', async () => {
      await expect(view().find({ states: ['gone' as never] })).rejects.toThrow(
        /states must be of scheduled, .*; got "gone"/,
      );
      await expect(view().find({ limit: 0 })).rejects.toThrow(/limit must be/);
      for (const cursor of ['x', 'queued;x', 'retry;x', 'gone;', 'running;x', 'scheduled;x']) {
        await expect(view().find({ cursor })).rejects.toThrow(/must be that of the page before/);
      }
    });
  });

  describe('running now', () => {
    test('moves a queued job to the head, byte by byte', async () => {
      await stores.produce('q', ...samples.map(({ bytes }) => bytes));
      const jobs = view();
      const found = (await all({ limit: 50 })).flatMap(({ items }) => items);
      for (const one of found) expect(await jobs.run(one)).toBe(true);
      const after = await stores.db.lrangeBuffer(stores.keys.queue('q'), 0, -1);
      const before = samples.map(({ bytes }) => bytes.toString('latin1'));
      expect(after.map((one) => one.toString('latin1')).toSorted()).toEqual(before.toSorted());
    });

    test('takes a scheduled job, a retry and a failed one to their queues', async () => {
      await everywhere();
      const jobs = view();
      for (const id of ['later', 'again', 'failed']) {
        const found = await jobs.get(id);
        expect(await jobs.run(found as never)).toBe(true);
      }
      expect(await stores.queued('q')).toEqual([
        job('waits', ',"queue_time":1795725577.5'),
        job('later', ',"queue":"q"'),
        job('failed'),
      ]);
      expect(await stores.queued('other')).toEqual([expect.stringContaining('"id":"again"')]);
      expect((await jobs.get('failed'))?.state).toBe('queued');
    });

    test('and removing, tell that a job has gone', async () => {
      await everywhere();
      const jobs = view();
      const found = await Promise.all(['waits', 'later', 'again', 'failed'].map((id) => jobs.get(id)));
      for (const one of found) expect(await jobs.remove(one as never)).toBe(true);
      for (const one of found) {
        expect(await jobs.run(one as never)).toBe(false);
        expect(await jobs.remove(one as never)).toBe(false);
      }
      expect(await ids({})).toEqual(['held']);
    });

    test('is not for a job that a worker holds', async () => {
      await everywhere();
      const held = await view().get('held');
      const before = await dump(stores.db);
      for (const change of ['run', 'remove'] as const) {
        await expect(view()[change](held as never)).rejects.toThrow(
          /the job is held by the worker lambdesque-.*Wait until it has ended/,
        );
      }
      await expect(view().reschedule(held as never, new Date(NOW))).rejects.toThrow(ConfigError);
      expect(await dump(stores.db)).toEqual(before);
    });
  });

  test('removing a cron entry’s job gives back its lock', async () => {
    await stores.produce('q', job('a', ',"control":{"lock":"cron:tidy","until":"end"}'));
    await stores.db.set(stores.keys.unique('cron:tidy'), '1:aq 1:q{}');
    await view().remove((await view().get('a')) as never);
    expect(await stores.db.exists(stores.keys.unique('cron:tidy'))).toBe(0);
  });

  test('another time is given to what waits for one', async () => {
    await everywhere();
    const jobs = view();
    const later = new Date(NOW + HOUR);
    for (const id of ['later', 'again']) {
      expect(await jobs.reschedule((await jobs.get(id)) as never, later)).toBe(true);
      expect((await jobs.get(id))?.at).toEqual(
        id === 'later' ? new Date(Math.floor(later.getTime() / 1000) * 1000) : later,
      );
    }
    for (const id of ['waits', 'failed']) {
      await expect(jobs.reschedule((await jobs.get(id)) as never, later)).rejects.toThrow(
        /has no time; run or remove it/,
      );
    }
  });

  test.each([undefined, '', 'x', 'queue~x', 'gone~1'])('there is no place %j', async (place) => {
    await expect(view().run({ place } as never)).rejects.toThrow(/The place of a job must be what client.jobs gave/);
  });
});
