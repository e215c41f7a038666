import { type RunJobOptions, runJob } from 'lambdesque/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  type AnyJobDefinition,
  Discard,
  defineActiveJob,
  defineJob,
  GlobalId,
  RetryIn,
  type RetryOptions,
  SkipRetry,
} from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { startWorker } from '../../helpers/workers.ts';

/** What runJob says of a job is what a worker makes of it. */

const retry: RetryOptions = { attempts: 3, backoff: ['10s', '1m'] };
const throws = (error: unknown, more: object = {}) =>
  defineJob({
    class: 'Tried',
    queue: 'tried',
    retry,
    ...more,
    perform(_args, ctx) {
      ctx.log.info('begins', { left: ctx.timeLeft() > 0 });
      throw error;
    },
  });
const told = (look: (ctx: Parameters<AnyJobDefinition['perform']>[1], args: readonly unknown[]) => unknown) =>
  defineJob({
    class: 'Tried',
    queue: 'tried',
    retry,
    perform(args, ctx) {
      throw new Error(JSON.stringify(look(ctx, args), (_key, one) => (typeof one === 'bigint' ? `${one}n` : one)));
    },
  });

const record = (attempts: number, deaths = 0) =>
  `{"lambdesque":{"id":"r-1","attempts":${attempts},"deaths":${deaths}},`;

const CASES: [string, AnyJobDefinition, unknown[], RunJobOptions][] = [
  ['succeeds', defineJob({ class: 'Tried', queue: 'tried', perform: () => 1 }), ['a'], {}],
  ['throws', throws(new Error('no')), [], {}],
  ['throws at its second attempt', throws(new Error('no')), [], { attempt: 2 }],
  ['throws at its last attempt', throws(new Error('no')), [], { attempt: 3 }],
  ['wants no other attempt', throws(new SkipRetry()), [], {}],
  ['says when', throws(new RetryIn('7s')), [], {}],
  ['is to be dropped', throws(new Discard()), [], {}],
  ['may run once', throws(new Error('no'), { delivery: 'at-most-once', retry: undefined }), [], {}],
  ['has killed three workers', throws(new Error('no')), [], { deaths: 3 }],
  ['gets what its schema refuses', throws(0, { args: z.tuple([z.number()]) }), ['text'], {}],
  [
    'has a schema that is asynchronous',
    throws(1, { args: z.array(z.any()).refine(async () => false, 'never') }),
    [],
    {},
  ],
  ['looks at its arguments', told((_ctx, args) => args), [2n ** 64n, -0, { a: [null, 'ü'] }], {}],
  [
    'looks at itself',
    told(({ job: { queueTime: _, ...job }, cron }) => ({ job, cron })),
    [1],
    { attempt: 2, deaths: 1 },
  ],
  [
    'is one of Rails',
    defineActiveJob({
      job: 'Tried',
      queue: 'tried',
      retry,
      perform([user]: readonly unknown[], { job: { payload: _, ...job }, activeJob }) {
        throw new Error(`${user} ${JSON.stringify(job)} ${activeJob?.executions}`);
      },
    }),
    [new GlobalId('gid://shop/User/7')],
    { attempt: 2 },
  ],
  [
    'is of a cron entry',
    told(({ cron }) => cron),
    [],
    { cron: { name: 'nightly', slot: new Date('2026-11-26T03:00:00Z') } },
  ],
];

withBrokers((stores) => {
  test.each(CASES)('one that %s', async (_what, job, args, options) => {
    let payload = '';
    const spying = { ...options, id: 'abc', middleware: [(ctx, next) => keep(ctx.job.payload, next)] } as RunJobOptions;
    const keep = (text: string, next: () => unknown) => {
      payload = text;
      return next();
    };
    const run = await runJob(job as never, args as never, spying);

    // The same for a worker: the payload that its handler has seen, or one like it where it never ran.
    payload ||= `{"class":"Tried","args":${JSON.stringify(args)},"id":"abc"}`;
    const { attempt = 1, deaths = 0 } = options;
    const bytes = attempt + deaths === 1 ? payload : `${record(attempt - 1, deaths)}${payload.slice(1)}`;
    await stores.produce('tried', bytes);
    const worker = startWorker({ store: stores.store, jobs: [job], options: { exitOnComplete: true } });
    await worker.ended;

    expect(worker.runs).toHaveLength(1);
    const [{ outcome, retryIn, error } = { outcome: 'none' }] = worker.runs;
    expect({ outcome: run.outcome, delay: run.delay, error: run.error }).toEqual({ outcome, delay: retryIn, error });
    const begins = ({ message }: { message: string }) => message === 'begins';
    expect(run.logs.filter(begins)).toEqual(worker.log.lines.filter(begins));
  });
});
