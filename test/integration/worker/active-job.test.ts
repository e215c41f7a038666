import { describe, expect, test } from 'vitest';
import {
  type AnyJobDefinition,
  defineActiveJob,
  defineJob,
  GlobalId,
  keywords,
  RubyDate,
  RubySymbol,
} from '../../../shared/index.ts';
import { WRAPPER } from '../../../shared/wire/active-job/envelope.ts';
import { redisTime, withBrokers } from '../../helpers/brokers.ts';
import { failed, failedTexts, queued } from '../../helpers/queue-state.ts';
import { drain, startWorker } from '../../helpers/workers.ts';

/** As Rails writes it, with bytes that no re-encoding would leave alone. */
const PAYLOAD =
  `{"class":"${WRAPPER}","args":[{"job_class":"WelcomeJob","job_id":"9811bbac","provider_job_id":null,"queue_name":"mailers",` +
  '"priority":5,"arguments":["\\u003cé\\u003e",{"executions":3,"_aj_symbol_keys":[]},1.0,' +
  '{"at":{"_aj_serialized":"ActiveJob::Serializers::DateSerializer","value":"2026-02-28"},"_aj_ruby2_keywords":["at"]}],' +
  '"executions":0,"exception_executions":{},"locale":"de","timezone":"Europe/Paris","enqueued_at":"2026-11-26T11:42:27Z"}]}';

withBrokers((stores) => {
  const runAll = async (jobs: readonly AnyJobDefinition[]) => {
    const worker = startWorker({ store: stores.store, jobs, options: { exitOnComplete: true } });
    await worker.ended;
    return worker;
  };

  test('a job of Rails is found by its own name, with arguments of Ruby and what Rails says of it', async () => {
    const seen: unknown[] = [];
    const Welcome = defineActiveJob({
      job: 'WelcomeJob',
      perform(args, { activeJob, job }) {
        seen.push(args, activeJob, job);
      },
    });
    await stores.produce('mailers', PAYLOAD);
    const { runs } = await runAll([Welcome]);

    expect(seen).toEqual([
      ['<é>', { executions: 3 }, 1, { at: new RubyDate('2026-02-28') }],
      expect.objectContaining({
        jobId: '9811bbac',
        executions: 0,
        locale: 'de',
        timeZone: 'Europe/Paris',
        priority: 5,
      }),
      expect.objectContaining({ class: 'WelcomeJob', id: '9811bbac', attempt: 1, payload: PAYLOAD }),
    ]);
    expect(runs).toMatchObject([{ class: 'WelcomeJob', id: '9811bbac', outcome: 'succeeded' }]);
  });

  test('an exact name wins over a prefix, and a class of the wrapper itself takes what nothing else does', async () => {
    const ran: string[] = [];
    const note = (name: string) => () => void ran.push(name);
    const jobs = [
      defineActiveJob({ job: 'Welcome*', perform: note('prefix') }),
      defineActiveJob({ job: 'WelcomeJob', perform: note('exact') }),
      defineJob({ class: WRAPPER, perform: note('raw') }),
      defineJob({ class: 'WelcomeJob', perform: note('a class of Resque') }),
    ];
    await stores.produce('mailers', PAYLOAD);
    await stores.produce('mailers', PAYLOAD.replace('WelcomeJob', 'WelcomeBackJob'));
    await stores.produce('mailers', PAYLOAD.replace('WelcomeJob', 'ReportJob'));
    await stores.produce('mailers', '{"class":"WelcomeJob","args":[]}');
    await stores.produce('mailers', `{"class":"${WRAPPER}","args":["no job"]}`);
    await runAll(jobs);
    expect(ran).toEqual(['exact', 'prefix', 'raw', 'a class of Resque', 'raw']);
  });

  test('a retry counts its executions in the payload, for whoever takes it next; nothing else of it changes', async () => {
    const attempts: unknown[] = [];
    const Welcome = defineActiveJob({
      job: 'WelcomeJob',
      retry: { attempts: 4, backoff: 0 },
      perform(_args, { job, activeJob }) {
        attempts.push([job.attempt, job.attempts, activeJob?.executions]);
        throw new RangeError('no');
      },
    });
    // A Ruby worker has made the first attempt.
    await stores.produce('mailers', PAYLOAD.replace('"executions":0', '"executions":1'));
    for (let i = 0; i < 4; i++) {
      await runAll([Welcome]);
      redisTime.move(1);
      await stores.tick();
      if (i === 0) {
        const [waiting = ''] = await queued(stores.db, 'mailers');
        expect(waiting.replace(/^\{"lambdesque":\{[^}]*\},/, '{')).toBe(
          PAYLOAD.replace('"executions":0', '"executions":2'),
        );
      }
    }
    expect(attempts).toEqual([
      [2, 4, 1],
      [3, 4, 2],
      [4, 4, 3],
    ]);
    expect((await failedTexts(stores.db))[0]).toContain(
      `"payload":${PAYLOAD.replace('"executions":0', '"executions":3')},"exception":"RangeError"`,
    );
  });

  test('errors have attempts of their own, counted with those of Ruby; the last rule for one counts', async () => {
    class Slow extends Error {}
    const rules = [
      { errors: [Error], exceptions: '[StandardError]', attempts: 2, backoff: 0 },
      { errors: [Slow], exceptions: '[Net::OpenTimeout, Timeout::Error]', attempts: 3, backoff: 0 },
    ] as const;
    const thrown = [new Slow(), new Error('x'), new Slow()];
    const Welcome = defineActiveJob({
      job: 'WelcomeJob',
      retry: { attempts: 1 },
      retryOn: rules,
      perform() {
        throw thrown.shift();
      },
    });
    // A Ruby worker has made an attempt, which ended with one of the exceptions.
    const counted = (executions: number, counts: string) =>
      PAYLOAD.replace(
        '"executions":0,"exception_executions":{}',
        `"executions":${executions},"exception_executions":${counts}`,
      );
    await stores.produce('mailers', counted(1, '{"[Net::OpenTimeout, Timeout::Error]":1}'));
    const payloads: string[] = [];
    for (let i = 0; i < 3; i++) {
      await runAll([Welcome]);
      redisTime.move(1);
      await stores.tick();
      payloads.push(
        ...(await queued(stores.db, 'mailers')).map((one) => one.replace(/^\{"lambdesque":\{[^}]*\},/, '{')),
      );
    }
    const slow = '"[Net::OpenTimeout, Timeout::Error]":2';
    expect(payloads).toEqual([counted(2, `{${slow}}`), counted(3, `{"[StandardError]":1,${slow}}`)]);
    expect(await failed(stores.db)).toMatchObject([{ exception: 'Error' }]);
  });

  test('an error that is to be discarded drops the job; another one does not', async () => {
    class Gone extends Error {}
    const Welcome = defineActiveJob({
      job: 'WelcomeJob',
      discard: [Gone],
      retry: { attempts: 1 },
      perform([text]) {
        throw text === 'x' ? new Error('other') : new Gone('deleted');
      },
    });
    await stores.produce('mailers', PAYLOAD);
    await stores.produce('mailers', PAYLOAD.replace('"\\u003cé\\u003e"', '"x"'));
    const { runs } = await runAll([Welcome]);
    expect(runs.map((run) => run.outcome)).toEqual(['discarded', 'failed']);
    expect(await failed(stores.db)).toMatchObject([{ error: 'other' }]);
  });

  test('one that nothing handles fails, and says by which name it would be defined', async () => {
    await stores.produce('mailers', PAYLOAD);
    await runAll([]);
    expect(await failed(stores.db)).toMatchObject([
      {
        error: expect.stringMatching(
          /^No worker for the ActiveJob WelcomeJob in queue mailers\. Define the class with defineActiveJob/,
        ),
      },
    ]);
  });

  test('our client enqueues what Rails would, and a worker of ours runs it', async () => {
    const seen: unknown[] = [];
    const Welcome = defineActiveJob({
      job: 'WelcomeJob',
      queue: 'mailers',
      priority: 3,
      timeZone: 'UTC',
      perform(args: readonly [GlobalId, RubySymbol, { deep: boolean }]) {
        seen.push(...args);
      },
    });
    const worker = startWorker({ store: stores.store, jobs: [Welcome], options: { exitOnComplete: true } });
    await worker.ended;
    const args = [new GlobalId('gid://shop/User/7'), new RubySymbol('now'), keywords({ deep: true })] as const;
    const { id, payload } = await worker.client.enqueue(Welcome, args);
    await worker.client.enqueue('WelcomeJob', args, { in: '1h' });

    expect(await queued(stores.db, 'mailers')).toEqual([payload]);
    expect(JSON.parse(payload)).toEqual({
      class: WRAPPER,
      args: [
        {
          job_class: 'WelcomeJob',
          job_id: id,
          provider_job_id: null,
          queue_name: 'mailers',
          priority: 3,
          arguments: [
            { _aj_globalid: 'gid://shop/User/7' },
            { _aj_serialized: 'ActiveJob::Serializers::SymbolSerializer', value: 'now' },
            { deep: true, _aj_ruby2_keywords: ['deep'] },
          ],
          executions: 0,
          exception_executions: {},
          locale: 'en',
          timezone: 'UTC',
          enqueued_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/),
          scheduled_at: null,
        },
      ],
    });
    const [time = ''] = await stores.db.zrange(stores.keys.delayedSchedule, '0', '-1');
    const [later = ''] = await stores.db.lrange(stores.keys.delayed(time), 0, -1);
    expect(JSON.parse(later)).toMatchObject({
      args: [{ scheduled_at: new Date(Number(time) * 1000).toISOString().replace(/Z$/, '000000Z') }],
      queue: 'mailers',
    });

    await drain({ store: stores.store, jobs: [Welcome] });
    expect(seen).toEqual([args[0], args[1], { deep: true }]);
    await stores.db.flushall();
  });
});

describe('defineActiveJob refuses', () => {
  const perform = () => {};
  test.each([
    [{ job: '', perform }, /job must be the name of a class in Ruby/],
    [{ job: 'A', perform: 1 as never }, /perform must be a function/],
    [{ job: 'A', priority: 1.5, perform }, /priority must be a whole number; got 1.5/],
    [
      { job: 'A', retires: 3, perform } as never,
      /^defineActiveJob "A": there is no option "retires"; got 3\. There are job, /,
    ],
    [{ job: 'A', locale: '', perform }, /locale must be a name/],
    [{ job: 'A', retryOn: {} as never, perform }, /retryOn must be a list/],
    [
      { job: 'A', retryOn: [{ errors: [Error], exceptions: 'X' }], perform },
      /retryOn\[0\]\.exceptions must be the list/,
    ],
    [{ job: 'A', retryOn: [{ errors: [Error], exceptions: '[X]', attempts: 0 }], perform }, /retry\.attempts must be/],
    [{ job: 'A', discard: ['Gone'] as never, perform }, /discard must be a list of error classes/],
  ])('%j', (options, message) => expect(() => defineActiveJob(options)).toThrow(message));

  test('and says where one is defined', () => {
    expect(defineActiveJob({ job: 'A', perform }).definedAt).toMatch(/active-job\.test\.ts:\d+:\d+$/);
    expect(defineJob({ class: 'A', perform }).definedAt).toMatch(/active-job\.test\.ts:\d+:\d+$/);
  });
});
