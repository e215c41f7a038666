import { expect, test } from 'vitest';
import { defineJob, RedisReplyError } from '../../../shared/index.ts';
import { createRegistry, type RedisClient, redisBroker, tick } from '../../../shared/internal.ts';
import { NAMESPACE, withBackends } from '../../helpers/backends.ts';
import { dump } from '../../helpers/brokers.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { delayed, enqueueAt, enqueueAtAsPhp, names, SECONDS, tickAt } from '../../helpers/scheduler/delayed-jobs.ts';
import { Report, START } from '../../helpers/scheduler/test-scheduler.ts';

withBackends((bed) => {
  const clock = new ManualClock();
  const failedPayloads = async () =>
    (await bed.db.lrange(bed.keys.failed, 0, -1)).map((entry) => (JSON.parse(entry) as { payload: unknown }).payload);

  test('a payload without a queue goes to that of its class', async () => {
    const jobs = [Report, defineJob({ class: 'mail:*', queue: 'mail', perform() {} })];
    const store = redisBroker(bed.client(), NAMESPACE, () => START);
    const payloads = ['{"class":"Report","args":[1]}', '{"class":"mail:x","args":[]}', '{"class":"Report","queue":""}'];
    await enqueueAtAsPhp(bed, SECONDS, ...payloads, '{"class":"Report","args":[],"queue":"other"}');
    expect(await tick({ store, registry: createRegistry(jobs), clock, log: recordingLogger() })).toMatchObject({
      promoted: 4,
      failed: 0,
    });
    expect(await bed.queued('reports')).toEqual([payloads[0], payloads[2]]);
    expect(await bed.queued('mail')).toEqual([payloads[1]]);
    expect(await bed.queued('other')).toHaveLength(1);
  });

  test('a queue that does not exist yet begins to', async () => {
    await enqueueAt(bed, SECONDS, delayed('a', 'new: ünïcode / queue'));
    await tickAt(bed.client(), START);
    expect(names(await bed.queued('new: ünïcode / queue'))).toEqual(['a']);
    expect(await bed.db.smembers(bed.keys.queues)).toEqual(['new: ünïcode / queue']);
  });

  test('empty lists on the schedule, many of them, are cleared away', async () => {
    const pipeline = bed.db.pipeline();
    for (let i = 1; i <= 300; i++) pipeline.zadd(bed.keys.delayedSchedule, SECONDS - i, SECONDS - i);
    await pipeline.exec();
    await enqueueAt(bed, SECONDS, delayed('a'));
    expect(await tickAt(bed.client(), START)).toMatchObject({ promoted: 1, failed: 0, nextAt: undefined });
    expect(await bed.db.keys('*')).toHaveLength(2);
  });

  test('bytes that are no job are in the failed list, the rest in its queue, in order', async () => {
    await enqueueAtAsPhp(
      bed,
      SECONDS,
      delayed('a'),
      'not JSON',
      '[]',
      '',
      'null',
      delayed('b'),
      '{"class":"No","args":[1.0]}',
    );
    await enqueueAtAsPhp(bed, SECONDS, Buffer.from([0xff, 0x00, 0x7b]), delayed('c'));
    const log = recordingLogger();
    const store = redisBroker(bed.client(), NAMESPACE, () => START);
    expect(await tick({ store, clock, log })).toMatchObject({ promoted: 3, failed: 6, nextAt: undefined });

    expect(names(await bed.queued('q'))).toEqual(['a', 'b', 'c']);
    expect(await failedPayloads()).toEqual(['not JSON', '[]', '', 'null', { class: 'No', args: [1] }, '\ufffd\0{']);
    expect(log.lines).toMatchObject([{ level: 'error', fields: { jobs: 6 } }]);
    expect(await bed.db.keys('resque:delayed*')).toEqual([]);
  });

  test('every byte of a payload survives', async () => {
    const payload = String.raw`{ "args":[9007199254740993,1.0,-0,1e400,"a\/b","\ud800"],"x":{},"queue":"q" ,"class":"A"}`;
    await enqueueAtAsPhp(bed, SECONDS, payload);
    await tickAt(bed.client(), START);
    expect(await bed.queued('q')).toEqual([payload]);
  });

  test('in time order across lists, and in list order within one', async () => {
    await enqueueAt(bed, SECONDS, delayed('e'), delayed('f'));
    await enqueueAt(bed, SECONDS - 10, delayed('c'), delayed('d'));
    await enqueueAt(bed, 1, delayed('a'), delayed('b'));
    await enqueueAt(bed, SECONDS + 1, delayed('later'));
    expect(await tickAt(bed.client(), START + 999)).toMatchObject({
      promoted: 6,
      lateness: START + 999 - 1_000,
      nextAt: START + 1_000,
    });
    expect(names(await bed.queued('q'))).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(await bed.db.keys('resque:timestamps:*')).toEqual([`resque:timestamps:${delayed('later')}`]);
  });

  test('what resque-scheduler keeps beside its lists is left alone', async () => {
    await bed.db.hset('resque:delayed:last_enqueued_at', 'a', '2026-11-20 20:29:37 +0000');
    await bed.db.set('resque:resque:resque_scheduler_master_lock', 'host:1');
    const before = await dump(bed.db);
    await enqueueAt(bed, SECONDS, delayed('a'));
    await tickAt(bed.client(), START);
    expect(await dump(bed.db)).toMatchObject(before);
  });

  test('with nothing due, one call', async () => {
    await enqueueAt(bed, SECONDS + 60, delayed('a'));
    const client = bed.client();
    await tickAt(client, START);
    bed.upstash.requests.length = 0;
    expect(await tickAt(client, START)).toMatchObject({ promoted: 0, nextAt: START + 60_000 });
    if (bed.backend === 'Upstash REST') expect(bed.upstash.requests).toHaveLength(1);
  });

  test('a large payload that is no job is in the failed list, shortened, and the rest goes on', async () => {
    const bytes = Buffer.alloc(9_000_000, 0xff);
    const large = `{"class":"Large","args":["${'x'.repeat(9_000_000)}"]}`;
    await enqueueAtAsPhp(bed, SECONDS, bytes, delayed('a'), large, delayed('b'));
    const inner = bed.client();
    /** Of what is sent: Upstash takes no more than 10 MB. */
    const script: RedisClient['script'] = (one, keys, args) => {
      const size = Buffer.byteLength(JSON.stringify([keys, args]));
      if (size > 10_000_000) throw new RedisReplyError('ERR max request size exceeded');
      return inner.script(one, keys, args);
    };
    expect(await tickAt({ ...inner, script }, START)).toMatchObject({ promoted: 2, failed: 2, nextAt: undefined });
    expect(names(await bed.queued('q'))).toEqual(['a', 'b']);
    const [shortened = '', whole = ''] = await bed.db.lrange(bed.keys.failed, 0, -1);
    expect(shortened.length).toBeLessThan(1_000_000);
    expect((JSON.parse(shortened) as { error: string }).error).toContain('of its 9000000 bytes only the first 65536');
    expect(whole).toContain(large);
  });

  test('the index of a large payload goes with it', async () => {
    const payload = delayed('x'.repeat(200_000));
    await enqueueAt(bed, SECONDS, payload);
    await enqueueAt(bed, SECONDS + 60, payload);
    await tickAt(bed.client(), START);
    expect(await bed.db.smembers(bed.keys.timestamps(payload))).toEqual([`delayed:${SECONDS + 60}`]);
  });
});
