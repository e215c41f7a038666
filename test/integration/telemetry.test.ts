import * as api from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type Client,
  chain,
  createClient,
  createWorker,
  defineJob,
  group,
  step,
  type Worker,
} from '../../shared/index.ts';
import { openTelemetry } from '../../shared/opentelemetry/index.ts';
import { openSite } from '../helpers/dashboard/site.ts';
import { eventually } from '../helpers/eventually.ts';
import { queued } from '../helpers/queue-state.ts';
import { recordingLogger } from '../helpers/recording-logger.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';

/** Traces, by OpenTelemetry's own SDK. */

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const telemetry = openTelemetry(api);
const tracer = api.trace.getTracer('test');

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;

let redis: TestRedis;
let client: Client;
let worker: Worker;
let running: Promise<unknown>;
const log = recordingLogger();
const seen: string[] = [];

const jobs = [
  defineJob({
    class: 'Parent',
    queue: 'parents',
    retry: { attempts: 2, backoff: ['1s'] },
    async perform([kind], ctx) {
      ctx.log.info('runs');
      if (kind === 'fails first' && ctx.job.attempt === 1) throw new RangeError('not yet');
      await ctx.enqueue('Child', [String(kind)]);
    },
  }),
  defineJob({
    class: 'Adds',
    queue: 'parents',
    perform(_args, ctx) {
      ctx.flow?.add(step('Child', ['added']));
    },
  }),
  defineJob({
    class: 'Child',
    queue: 'children',
    perform([kind], ctx) {
      seen.push(String(kind));
      if (ctx.job.trace) seen.push(ctx.job.trace.traceparent);
    },
  }),
];

beforeAll(async () => {
  provider.register();
  redis = await startRedis();
  client = createClient({
    url: redis.url,
    jobs,
    telemetry,
    cronEntries: { daily: { cron: '0 3 * * *', class: 'Parent', args: ['cron'] } },
  });
  worker = createWorker({
    url: redis.url,
    jobs,
    queues: ['parents', 'children'],
    scheduler: true,
    interval: '20ms',
    telemetry,
    log,
  });
  running = worker.run();
});
afterEach(() => {
  exporter.reset();
  seen.length = 0;
});
afterAll(async () => {
  worker?.stop();
  await running;
  await client?.close();
  await redis?.stop();
  await provider.shutdown();
  api.trace.disable();
  api.context.disable();
  api.propagation.disable();
});

const within = <T>(run: () => Promise<T>) =>
  tracer.startActiveSpan('request', async (span) => {
    try {
      return await run();
    } finally {
      span.end();
    }
  });
const spans = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
const only = (name: string): ReadableSpan => {
  const found = spans(name);
  expect(found, name).toHaveLength(1);
  return found[0] as ReadableSpan;
};
const ran = (kind: string) => eventually(() => expect(seen).toContain(kind));

describe('an enqueue', () => {
  test('without a trace writes what Resque writes, and is no span', async () => {
    const { payload } = await client.enqueue('Plain', [1], { queue: 'unworked' });
    expect(payload).toBe('{"class":"Plain","args":[1]}');
    expect(exporter.getFinishedSpans().filter(({ name }) => name.startsWith('send'))).toEqual([]);
  });

  test('within a trace is a span, which the payload carries as OpenTelemetry for Ruby writes it', async () => {
    const { payload } = await within(() => client.enqueue('Traced', [1], { queue: 'unworked' }));
    const [request, send] = [only('request'), only('send unworked')];
    const { traceId, spanId } = send.spanContext();
    expect(traceId).toBe(request.spanContext().traceId);
    expect(send.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
    expect(send.kind).toBe(api.SpanKind.PRODUCER);
    expect(send.attributes).toMatchObject({
      'messaging.system': 'resque',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'unworked',
    });
    expect(payload).toBe(`{"class":"Traced","args":[1],"traceparent":"00-${traceId}-${spanId}-01"}`);
  });

  test('of many is one span', async () => {
    const items = [
      { job: 'A', args: [], queue: 'unworked' },
      { job: 'B', args: [], queue: 'others' },
    ];
    await within(() => client.enqueueAll(items));
    expect(only('send').attributes).toMatchObject({ 'messaging.batch.message_count': 2 });
  });

  test('that fails is a span that failed', async () => {
    await expect(within(() => client.enqueue('NoQueue', []))).rejects.toThrow('no queue');
    expect(only('send')).toMatchObject({
      status: { code: api.SpanStatusCode.ERROR },
      attributes: { 'error.type': 'ConfigError' },
    });
  });

  test('can be told its trace, without any OpenTelemetry; and what is none is refused', async () => {
    await using plain = createClient({ url: redis.url });
    const told = await plain.enqueue('Told', [], {
      queue: 'unworked',
      trace: { traceparent: PARENT, tracestate: 'a=1' },
    });
    expect(told.payload).toBe(`{"class":"Told","args":[],"traceparent":"${PARENT}","tracestate":"a=1"}`);
    for (const traceparent of ['x', `${PARENT}-more`, PARENT.toUpperCase(), PARENT.replace('00-', 'ff-')]) {
      await expect(plain.enqueue('Told', [], { queue: 'unworked', trace: { traceparent } })).rejects.toThrow(
        /trace must have a traceparent of W3C/,
      );
    }
  });
});

describe('a run', () => {
  test('is a child of its enqueue, and what it enqueues one of the run', async () => {
    await within(() => client.enqueue('Parent', ['direct']));
    await ran('direct');
    await eventually(() => expect(spans('process children')).toHaveLength(1));
    const [request, send, process, childSend, child] = [
      'request',
      'send parents',
      'process parents',
      'send children',
      'process children',
    ].map(only) as [ReadableSpan, ReadableSpan, ReadableSpan, ReadableSpan, ReadableSpan];
    expect(process.parentSpanContext?.spanId).toBe(send.spanContext().spanId);
    expect(childSend.parentSpanContext?.spanId).toBe(process.spanContext().spanId);
    expect(child.parentSpanContext?.spanId).toBe(childSend.spanContext().spanId);
    expect(child.spanContext().traceId).toBe(request.spanContext().traceId);
    expect(process.kind).toBe(api.SpanKind.CONSUMER);
    expect(process.attributes).toMatchObject({
      'messaging.system': 'resque',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'parents',
      'messaging.message.id': expect.any(String),
      'messaging.resque.job_class': 'Parent',
      'messaging.resque.job_attempt': 1,
    });
    const { fields } = log.lines.findLast(({ message }) => message === 'runs') ?? {};
    expect(fields).toMatchObject({ class: 'Parent', traceId: request.spanContext().traceId });
    // It is written when Redis has the outcome.
    const told = () => log.lines.filter(({ message }) => message === 'job succeeded').map(({ fields }) => fields);
    const line = { class: 'Parent', traceId: request.spanContext().traceId };
    await eventually(() => expect(told()).toContainEqual(expect.objectContaining(line)));
  });

  test('carries the trace through its delay and a retry: an attempt each', async () => {
    await within(() => client.enqueue('Parent', ['fails first'], { in: '1s' }));
    await ran('fails first');
    await eventually(() => expect(spans('process children')).toHaveLength(1));
    const { traceId } = only('request').spanContext();
    const attempts = spans('process parents');
    expect(attempts.map((span) => span.attributes['messaging.resque.job_attempt'])).toEqual([1, 2]);
    expect(attempts.map((span) => span.spanContext().traceId)).toEqual([traceId, traceId]);
    expect(attempts[0]).toMatchObject({
      status: { code: api.SpanStatusCode.ERROR, message: 'not yet' },
      attributes: { 'error.type': 'RangeError' },
    });
    expect(attempts[0]?.events.map(({ name }) => name)).toEqual(['exception']);
    expect(attempts[1]?.status.code).toBe(api.SpanStatusCode.UNSET);
    // The scheduler has promoted it twice.
    const ticks = spans('tick').map(({ attributes }) => attributes);
    expect(ticks).toContainEqual({ 'messaging.system': 'resque', 'lambdesque.promoted': 1 });
    expect(ticks).toContainEqual({ 'messaging.system': 'resque', 'lambdesque.retried': 1 });
    expect(spans('sync').map(({ attributes }) => attributes)).toContainEqual(
      expect.objectContaining({ 'lambdesque.reserved': 1 }),
    );
  });

  test('of a job from elsewhere goes on with its trace; garbage in that key harms nobody', async () => {
    await redis.client.rpush('resque:queue:children', `{"class":"Child","args":["ruby"],"traceparent":"${PARENT}"}`);
    await ran(PARENT);
    await eventually(() => expect(spans('process children')).toHaveLength(1));
    expect(only('process children').spanContext().traceId).toBe(TRACE);
    await redis.client.rpush('resque:queue:children', '{"class":"Child","args":["odd"],"traceparent":[1]}');
    await ran('odd');
    await eventually(() => expect(spans('process children')).toHaveLength(2));
    expect(spans('process children')[1]?.parentSpanContext).toBeUndefined();
  });

  test('of a flow is in the trace in which it was started, and so is what a step adds; one span sends all of it', async () => {
    const steps = chain(group(step('Adds', [])), step('Child', ['last'], { immutable: true }));
    await within(() => client.flow(steps, { queues: ['children'] }).enqueue());
    await ran('last');
    await eventually(() => expect(spans('process children')).toHaveLength(2));
    const { traceId } = only('request').spanContext();
    expect(only('send').attributes).toMatchObject({ 'messaging.batch.message_count': 2 });
    const runs = [...spans('process parents'), ...spans('process children')];
    expect(runs.map((span) => span.spanContext().traceId)).toEqual([traceId, traceId, traceId]);
    expect(runs.map((span) => span.parentSpanContext?.spanId)).toEqual(
      runs.map(() => only('send').spanContext().spanId),
    );
  });

  test('is in the trace of its enqueue, too, where a worker died with it', async () => {
    // As a dead worker's job is given back.
    const spliced = '{"lambdesque":{"id":"x","attempts":0,"deaths":1},"class":"Child","args":["again"],';
    await redis.client.rpush('resque:queue:children', `${spliced}"traceparent":"${PARENT}"}`);
    await ran('again');
    await eventually(() => expect(spans('process children')).toHaveLength(1));
    expect(only('process children').spanContext().traceId).toBe(TRACE);
  });

  test('of a cron entry begins a trace, which what it enqueues carries', async () => {
    await client.cron.runNow('daily');
    await ran('cron');
    await eventually(() => expect(spans('process children')).toHaveLength(1));
    const process = only('process parents');
    expect(process.parentSpanContext).toBeUndefined();
    expect(only('process children').spanContext().traceId).toBe(process.spanContext().traceId);
  });
});

const job = { class: 'Hello', queue: 'q', id: '1', attempt: 1, trace: { traceparent: PARENT } };

test('within another span a run is that one’s child, with a link to the enqueue', () => {
  const signal = new AbortController().signal;
  tracer.startActiveSpan('invocation', (span) => {
    telemetry.run(job, signal, () => {});
    span.end();
  });
  const process = only('process q');
  expect(process.parentSpanContext?.spanId).toBe(only('invocation').spanContext().spanId);
  expect(process.links.map(({ context }) => context.traceId)).toEqual([TRACE]);
});

test('a handler that never ends has its span ended for it, some time after the abort', () => {
  vi.useFakeTimers();
  try {
    const controller = new AbortController();
    telemetry.run(job, controller.signal, () => new Promise(() => {}));
    controller.abort(new Error('too late'));
    expect(spans('process q')).toEqual([]);
    vi.advanceTimersByTime(5_000);
    expect(only('process q')).toMatchObject({ status: { message: 'too late' } });
  } finally {
    vi.useRealTimers();
  }
});

test('a job’s trace is seen in the inspector, and on the page', async () => {
  await redis.client.rpush(
    'resque:queue:looked-at',
    `{"class":"Seen","args":[],"id":"seen","traceparent":"${PARENT}"}`,
  );
  expect((await client.queues.peek('looked-at')).items).toMatchObject([{ traceId: TRACE }]);
  await redis.client.sadd('resque:queues', 'looked-at');
  const site = await openSite(redis);
  expect((await site.get('/job?id=seen')).text).toContain(`Trace ${TRACE}`);
  await site.stop();
  expect(await queued(redis.client, 'looked-at')).toHaveLength(1);
});

test('what is no API is refused', () => {
  expect(() => openTelemetry({} as never)).toThrow(/openTelemetry takes the API/);
});
