import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createEnqueueHandler, type EnqueueHandlerOptions } from '../../../functions/lambda/index.ts';
import { defineJob } from '../../../shared/index.ts';
import { queued } from '../../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';

/** Events of AWS become jobs; what cannot comes back, and nothing else. */

let redis: TestRedis;
beforeAll(async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => {
  vi.unstubAllEnvs();
  return redis?.stop();
});

const Checked = defineJob({
  class: 'Checked',
  queue: 'q',
  args: {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        typeof (value as unknown[])[0] === 'string'
          ? { value: value as [string] }
          : { issues: [{ message: 'must be text' }] },
    },
  },
  perform() {},
});
const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 30_000 };
const send = (event: unknown, options: Omit<EnqueueHandlerOptions, 'redis'> = {}) =>
  createEnqueueHandler({ redis: { url: redis.url }, jobs: [Checked], ...options })(event, context);

const message = (id: string, body: unknown, group?: string) => ({
  eventSource: 'aws:sqs',
  messageId: id,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  attributes: group === undefined ? {} : { MessageGroupId: group },
});
const sqs = (...Records: object[]) => ({ Records });
const failedOf = async (event: unknown, options?: Omit<EnqueueHandlerOptions, 'redis'>) =>
  (await send(event, options)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

describe('messages of SQS', () => {
  test('are jobs by themselves, long integers and all', async () => {
    const long = '{"class":"Mail","args":[12345678901234567890,"Zoë"],"queue":"mail"}';
    expect(await failedOf(sqs(message('a', long), message('b', { class: 'Checked', args: ['x'] })))).toEqual([]);
    expect(await queued(redis.client, 'mail')).toEqual(['{"class":"Mail","args":[12345678901234567890,"Zoë"]}']);
    expect(await queued(redis.client, 'q')).toEqual(['{"class":"Checked","args":["x"]}']);
  });

  test('that cannot be enqueued come back, each by itself, and no other', async () => {
    const batch = sqs(
      message('good 1', { class: 'Checked', args: ['1'] }),
      message('no JSON', 'hello'),
      message('refused by its schema', { class: 'Checked', args: [5] }),
      message('good 2', { class: 'Checked', args: ['2'] }),
      message('no queue', { class: 'Unknown' }),
      message('misspelt', { class: 'Checked', arguments: [] }),
      message('good 3', { class: 'Checked', args: ['3'] }),
    );
    expect(await failedOf(batch)).toEqual(['no JSON', 'refused by its schema', 'no queue', 'misspelt']);
    const args = (await queued(redis.client, 'q')).map((one) => JSON.parse(one).args[0]);
    expect(args).toEqual(['1', '2', '3']);
  });

  test('of a FIFO queue: those of the same group behind one that failed come back with it', async () => {
    const batch = sqs(
      message('a1', { class: 'Checked', args: ['a1'] }, 'a'),
      message('a2', { class: 'Checked', args: [2] }, 'a'),
      message('b1', { class: 'Checked', args: ['b1'] }, 'b'),
      message('a3', { class: 'Checked', args: ['a3'] }, 'a'),
      message('b2', 'nothing', 'b'),
      message('b3', { class: 'Checked', args: ['b3'] }, 'b'),
    );
    expect(await failedOf(batch)).toEqual(['a2', 'a3', 'b2', 'b3']);
    const args = (await queued(redis.client, 'q')).map((one) => JSON.parse(one).args[0]);
    expect(args).toEqual(['a1', 'b1']);
  });

  test('that come twice are two jobs, as SQS delivers; of a unique class they are one, and neither comes back', async () => {
    const Once = defineJob({ class: 'Once', queue: 'once', unique: {}, perform() {} });
    const options = { jobs: [Checked, Once] };
    const both = sqs(message('a', { class: 'Checked', args: ['1'] }), message('b', { class: 'Once', args: [1] }));
    expect(await failedOf(both, options)).toEqual([]);
    expect(await failedOf(both, options)).toEqual([]);
    expect(await queued(redis.client, 'q')).toHaveLength(2);
    expect(await queued(redis.client, 'once')).toHaveLength(1);
  });

  test('a poison comes back each time, alone, however its map fails, until the queue of SQS has had enough', async () => {
    const map = ({ body }: { readonly body: unknown }) => {
      if (body === 'poison') throw new RangeError('nobody can read this');
      return { job: Checked, args: [String(body)] as const };
    };
    for (let i = 0; i < 3; i++) {
      expect(await failedOf(sqs(message(`good ${i}`, `${i}`), message('bad', 'poison')), { map })).toEqual(['bad']);
    }
    expect(await queued(redis.client, 'q')).toHaveLength(3);
  });

  test('of a FIFO queue keep their order, group by group, when those that failed come again', async () => {
    const first = message('a1', { class: 'Checked', args: ['a1'] }, 'a');
    const later = [2, 3].map((n) => message(`a${n}`, { class: 'Checked', args: [`a${n}`] }, 'a'));
    await redis.client.set('resque:queue:q', 'a text');
    expect(await failedOf(sqs(first, ...later))).toEqual(['a1', 'a2', 'a3']);
    await redis.client.del('resque:queue:q');
    expect(await failedOf(sqs(first, ...later))).toEqual([]);
    expect((await queued(redis.client, 'q')).map((one) => JSON.parse(one).args[0])).toEqual(['a1', 'a2', 'a3']);
  });

  test('all come back where Redis refuses them', async () => {
    await redis.client.set('resque:queue:q', 'a text');
    const batch = sqs(message('a', { class: 'Checked', args: ['1'] }), message('b', { class: 'Checked', args: ['2'] }));
    expect(await failedOf(batch)).toEqual(['a', 'b']);
  });
});

describe('a rule', () => {
  test('takes parts of what the event says, from each kind of source', async () => {
    const map = { class: 'Thumbnail', queue: 'images', args: ['$.bucket', '$.key', 'small', 200] };
    const s3 = {
      eventSource: 'aws:s3',
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'photos' }, object: { key: 'a+b/%C3%A4.jpg', size: 5 } },
    };
    expect(await failedOf(sqs(s3), { map })).toEqual([]);
    expect(await queued(redis.client, 'images')).toEqual([
      '{"class":"Thumbnail","args":["photos","a b/ä.jpg","small",200]}',
    ]);
    const event = { id: 'e', 'detail-type': 'Order', time: '2026-11-26T12:00:00Z', detail: { order: { id: 7 } } };
    await send(event, { map: { class: 'Order', queue: 'orders', args: ['$.order.id', '$event.time'] } });
    expect(await queued(redis.client, 'orders')).toEqual(['{"class":"Order","args":[7,"2026-11-26T12:00:00Z"]}']);
    const sns = { EventSource: 'aws:sns', Sns: { MessageId: 'n', Message: 'hello' } };
    await send(sqs(sns), { map: { class: 'Note', queue: 'notes' } });
    expect(await queued(redis.client, 'notes')).toEqual(['{"class":"Note","args":["hello"]}']);
  });

  test('that finds nothing fails the event: a source that takes no list back gets an error', async () => {
    const event = { id: 'e', 'detail-type': 'Order', detail: {} };
    const map = { class: 'Order', queue: 'orders', args: ['$.order.id'] };
    await expect(send(event, { map })).rejects.toThrow('The event has no $.order.id: there is no "order" in it.');
  });
});

test('a function makes of an event one job, several or none', async () => {
  const map = async ({ body }: { readonly body: unknown }) =>
    body === 0
      ? undefined
      : Array.from({ length: Number(body) }, (_, i) => ({ job: Checked, args: [`${i}`] as const }));
  expect(await failedOf(sqs(message('none', '0'), message('two', '2')), { map })).toEqual([]);
  expect(await queued(redis.client, 'q')).toHaveLength(2);
});

test('S3’s notice by way of SQS, and SNS’s: what they say stands within the message', async () => {
  const records = { Records: [{ s3: { bucket: { name: 'photos' }, object: { key: 'a.jpg' } } }] };
  const map = {
    class: 'Thumbnail',
    queue: 'images',
    args: ['$.Records.0.s3.bucket.name', '$.Records.0.s3.object.key'],
  };
  expect(await failedOf(sqs(message('m', records)), { map })).toEqual([]);
  expect(await queued(redis.client, 'images')).toEqual(['{"class":"Thumbnail","args":["photos","a.jpg"]}']);
  const wrapped = { Type: 'Notification', Message: 'hello' };
  await send(sqs(message('n', wrapped)), { map: { class: 'Note', queue: 'notes', args: ['$.Message'] } });
  expect(await queued(redis.client, 'notes')).toEqual(['{"class":"Note","args":["hello"]}']);
});

test.each([
  [{}, /neither Records nor a detail-type, but nothing/],
  [{ Records: [{ eventSource: 'aws:kinesis' }] }, /this record is from "aws:kinesis"/],
])('another event is refused', async (event, message) => {
  await expect(send(event)).rejects.toThrow(message);
});

test.each<[object, string]>([
  [{ rnig: [] }, 'there is no option "rnig" (did you mean "ring"?)'],
  [{ ring: 'jobs' }, 'ring must be a list of { queues, functionName }; got string.'],
  [{ ring: [{ queues: '*' }] }, 'ring[0].functionName must be a text; got undefined.'],
  [{ ring: [{ queues: ['a', 'b'] }] }, 'ring[0].functionName must be a text; got undefined.'],
  [{ map: { class: 'A', args: '$' } }, 'map.args must be a list of arguments'],
  [{ map: { class: 'A', queu: 'q' } }, 'map: there is no option "queu" (did you mean "queue"?)'],
])('%j is refused', (options, message) => {
  expect(() => createEnqueueHandler(options)).toThrow(`createEnqueueHandler: ${message}`);
});
