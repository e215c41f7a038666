import { isUtf8 } from 'node:buffer';
import { expect, it } from 'vitest';
import type { DelayedMove } from '../../../shared/broker/broker.ts';
import { MOST_INDEXED_BYTES } from '../../../shared/broker/redis/most-indexed.ts';
import type { RawJob } from '../../../shared/types.ts';
import { spliceText, unsplice } from '../../../shared/wire/attempts-record.ts';
import { buriedEntry, failedEntry } from '../../../shared/wire/failed-entry.ts';
import { tokenOf } from '../../../shared/wire/worker-id.ts';
import {
  fail,
  failBinary,
  failText,
  from,
  LEASE,
  NOW,
  release,
  retry,
  type TestWorker,
  withBrokers,
} from '../../helpers/brokers.ts';
import { type Sample, samples, spliced } from '../../helpers/payloads.ts';
import { dueLists } from '../../helpers/scheduler/run-step.ts';

const FIELDS = { failedAt: new Date(NOW), thrown: new Error('boom'), worker: 'a:1:q', queue: 'q' };
const openSamples = samples.filter(({ opens }) => opens);
/** A job on either side, to see that none changes its neighbour. */
const [BEFORE, AFTER] = [Buffer.from('{"class":"Before","args":[]}'), Buffer.from('{"class":"After","args":[]}')];

const indexKey = (payload: Buffer) => Buffer.concat([Buffer.from('resque:timestamps:'), payload]);

withBrokers((stores) => {
  const list = (key: string) => stores.db.lrangeBuffer(key, 0, -1);
  const queue = () => list(stores.keys.queue('q'));

  async function takeAmongNeighbours({ bytes }: Sample, worker: TestWorker): Promise<RawJob> {
    await stores.produce('q', BEFORE, bytes, AFTER);
    const [, raw] = await worker.take('q');
    expectBytes(raw?.bytes, bytes);
    expect(raw?.size).toBe(bytes.length);
    expect(raw?.text === (isUtf8(bytes) ? bytes.toString() : undefined), 'its text').toBe(true);
    return raw as RawJob;
  }

  /** Shows the place where they differ, not a megabyte. */
  function expectBytes(actual: Buffer | undefined, expected: Buffer): void {
    if (actual?.equals(expected)) return;
    const at = expected.findIndex((byte, i) => byte !== actual?.[i]);
    const excerpt = (bytes: Buffer | undefined) => bytes?.subarray(Math.max(0, at - 40), at + 80).toString('latin1');
    expect({ length: actual?.length, at, bytes: excerpt(actual) }).toEqual({
      length: expected.length,
      at,
      bytes: excerpt(expected),
    });
  }

  function expectAll(actual: readonly Buffer[], expected: readonly Buffer[]): void {
    expect(actual).toHaveLength(expected.length);
    for (const [i, bytes] of expected.entries()) expectBytes(actual[i], bytes);
  }

  const retried = (raw: RawJob, attempts: number) => retry(raw, { id: 'id-1', attempts });

  it.each(samples)('keeps $name through reserve and release', async (sample) => {
    const worker = stores.worker();
    const raw = await takeAmongNeighbours(sample, worker);

    await worker.sync({ settle: [release(raw)] });
    expectAll(await queue(), [sample.bytes]);
    const again = await worker.takeOne('q');
    await worker.sync({ settle: [release(again, 'tail')] });

    expectAll(await queue(), [sample.bytes]);
  });

  it('takes no part of a character for text that its neighbour has the rest of', async () => {
    const euro = Buffer.from('€');
    const parts = [euro, euro.subarray(0, 1), euro.subarray(1), euro.subarray(0, 2), euro.subarray(2), euro];
    await stores.produce('q', ...parts);

    const jobs = await stores.worker().take('q');

    expect(jobs.map(({ text }) => text)).toEqual(['€', undefined, undefined, undefined, undefined, '€']);
    expectAll(
      jobs.map(({ bytes }) => bytes),
      parts,
    );
  });

  it.each(samples)('keeps $name through an answer that is asked for again', async (sample) => {
    await stores.produce('q', BEFORE, sample.bytes, AFTER);
    const worker = stores.worker();
    const request = worker.next({
      reserve: from('q', 3),
    });

    await worker.send(request);
    const { jobs } = await worker.send(request);

    expectAll(
      jobs.map(({ bytes }) => bytes),
      [BEFORE, sample.bytes, AFTER],
    );
  });

  it.each(openSamples)('keeps $name through retries, but for the record of them', async (sample) => {
    const worker = stores.worker();
    const raw = await takeAmongNeighbours(sample, worker);

    for (let attempts = 1, job = raw; attempts <= 2; attempts++) {
      await worker.sync({ settle: [retried(job, attempts)] });
      expect(await stores.promoteRetries()).toBe(1);
      expectAll(await queue(), [spliced(sample.bytes, { id: 'id-1', attempts, deaths: 0 })]);
      job = await worker.takeOne('q');
    }
  });

  it.each(openSamples)(
    'keeps $name through the deaths of three workers, but for the record of them',
    async (sample) => {
      await stores.produce('q', sample.bytes);
      const first = stores.worker();
      const { seq } = await first.takeOne('q');
      const id = `${tokenOf(first.id)}-${seq}`;

      for (let deaths = 1; deaths <= 3; deaths++) {
        await stores.reclaimAfter(LEASE);
        expectAll(await queue(), [spliced(sample.bytes, { id, attempts: 0, deaths })]);
        await stores.worker().takeOne('q');
      }
    },
  );

  it.each(samples.filter(({ opens }) => !opens))('gives $name back as it was when a worker dies', async (sample) => {
    await takeAmongNeighbours(sample, stores.worker());

    await stores.reclaimAfter(LEASE);

    expectBytes((await queue())[1], sample.bytes);
  });

  it.each(samples)('puts $name into the failed list with its bytes', async (sample) => {
    const worker = stores.worker();
    const raw = await takeAmongNeighbours(sample, worker);
    const { head, tail } = failedEntry(FIELDS);

    await worker.sync({ settle: [fail(raw, head, tail)] });

    const [entry] = await list(stores.keys.failed);
    expectBytes(entry, Buffer.concat([Buffer.from(head), sample.bytes, Buffer.from(tail)]));
  });

  it.each(openSamples)(
    'puts $name into the failed list without the record of its attempts and deaths',
    async (sample) => {
      const worker = stores.worker();
      const raw = await takeAmongNeighbours(sample, worker);
      await worker.sync({ settle: [retried(raw, 1)] });
      await stores.promoteRetries();
      await stores.worker().takeOne('q');
      await stores.reclaimAfter(LEASE);
      const last = stores.worker();
      const jobs = await last.take('q');
      const job = jobs.find(({ bytes }) => !bytes.includes('"Before"') && !bytes.includes('"After"')) as RawJob;
      expectBytes(job.bytes, spliced(sample.bytes, { id: 'id-1', attempts: 1, deaths: 1 }));
      const { head, tail } = failedEntry(FIELDS);

      await last.sync({ settle: [fail(job, head, tail)] });

      const [entry] = await list(stores.keys.failed);
      expectBytes(entry, Buffer.concat([Buffer.from(head), sample.bytes, Buffer.from(tail)]));
    },
  );

  it.each(samples)('buries $name so that its bytes can be had back', async (sample) => {
    const worker = stores.worker();
    const raw = await takeAmongNeighbours(sample, worker);
    const utf8 = isUtf8(sample.bytes);

    const { head, tail } = failedEntry(FIELDS);
    await worker.sync({ settle: [utf8 ? failText(raw, head, tail) : failBinary(raw, buriedEntry(FIELDS, raw.bytes))] });

    const [entry] = await list(stores.keys.failed);
    const { payload, payload_base64 } = JSON.parse(`${entry}`) as { payload: string; payload_base64?: string };
    expectBytes(utf8 ? Buffer.from(payload) : Buffer.from(`${payload_base64}`, 'base64'), sample.bytes);
  });

  it.each(samples)('keeps $name on its way from the delayed list', async (sample) => {
    const seconds = NOW / 1000;
    await stores.db.rpush(stores.keys.delayed(seconds), BEFORE, sample.bytes, AFTER, sample.bytes);
    await stores.db.zadd(stores.keys.delayedSchedule, seconds, seconds);
    await stores.db.sadd(indexKey(AFTER), `delayed:${seconds}`);
    if (isUtf8(sample.bytes)) await stores.db.sadd(indexKey(sample.bytes), `delayed:${seconds}`);
    const { head, tail } = failedEntry(FIELDS);

    const payloads = (await dueLists(stores.store, 10, 1e8))[0]?.payloads ?? [];
    expectAll(payloads, [BEFORE, sample.bytes, AFTER, sample.bytes]);
    const moves = payloads.map(
      (bytes, i): DelayedMove => (i === 3 ? { bytes, to: 'failed', head, tail } : { bytes, to: 'queue', queue: 'q' }),
    );
    expect(await stores.store.promoteDelayed([{ time: `${seconds}`, moves }])).toMatchObject({
      queued: 3,
      failed: 1,
    });

    expectAll(await queue(), [BEFORE, sample.bytes, AFTER]);
    expectAll(await list(stores.keys.failed), [Buffer.concat([Buffer.from(head), sample.bytes, Buffer.from(tail)])]);
    // What has php-resque's id may have its status record, too.
    await stores.store.tellLostSteps(1);
  });

  it.each(samples.filter(({ bytes }) => isUtf8(bytes)))('enqueues $name with its bytes', async (sample) => {
    const payload = sample.bytes.toString();

    await stores.store.enqueue([{ queue: 'q', payload }]);
    await stores.store.enqueueDelayed([{ seconds: NOW / 1000, payload }]);

    expectAll(await queue(), [sample.bytes]);
    expectAll(await list(stores.keys.delayed(NOW / 1000)), [sample.bytes]);
    // Of a long one, the key would be longer than Upstash takes.
    const index = sample.bytes.length <= MOST_INDEXED_BYTES ? [`delayed:${NOW / 1000}`] : [];
    expect(await stores.db.smembers(indexKey(sample.bytes))).toEqual(index);
  });

  it.each(openSamples.filter(({ bytes }) => isUtf8(bytes)))('reads the record off $name again', ({ bytes }) => {
    const record = { id: 'id-1', attempts: 2, deaths: 1 };
    expect(spliceText(record)).toBe('"lambdesque":{"id":"id-1","attempts":2,"deaths":1},');
    expect(unsplice(spliced(bytes, record).toString())).toEqual({ payload: bytes.toString(), record });
    expect(unsplice(bytes.toString())).toEqual({ payload: bytes.toString(), record: undefined });
  });
});
