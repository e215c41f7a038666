import { describe, expect, it } from 'vitest';
import { redisFailedBroker } from '../../../shared/broker/redis/failed.ts';
import { createEnqueuer } from '../../../shared/client/enqueuer.ts';
import { systemClock } from '../../../shared/clock.ts';
import { workerDefaults } from '../../../shared/config.ts';
import { createFailed } from '../../../shared/inspect/failed-client.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { silentLogger } from '../../../shared/log.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { WRAPPER } from '../../../shared/wire/active-job/envelope.ts';
import { workerId } from '../../../shared/wire/worker-id.ts';
import { Worker } from '../../../shared/worker/worker.ts';
import { dump, from, NOW, redisTime, retry, TestWorker, withBrokers } from '../../helpers/brokers.ts';
import { PATIENCE } from '../../helpers/eventually.ts';
import { promoteDelayed } from '../../helpers/scheduler/run-step.ts';

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
/** Time#to_s, in UTC. */
const RUBY_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000$/;
const FAILED_AT = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d UTC$/;

/** WIRE.md's list of what breaks Ruby's workers, resque-web and other readers, checked on what a consumer left in Redis. */
withBrokers((stores) => {
  const client = () => createEnqueuer({ metadata: true, store: stores.store });
  const entries = async () =>
    (await stores.db.lrange(stores.keys.failed, 0, -1)).map((entry) => JSON.parse(entry) as Record<string, unknown>);

  function consumer(queues: string, worker: string, perform: () => Promise<void>): Worker {
    const jobs = [
      defineJob({ class: 'Look', perform }),
      defineJob({
        class: 'Throw',
        retry: { attempts: 1 },
        perform([what]) {
          throw thrown[String(what)];
        },
      }),
    ];
    const options = { ...workerDefaults, exitOnComplete: true, interval: 50 };
    const registry = createRegistry(jobs);
    return new Worker({
      store: stores.store,
      registry,
      client: client(),
      queues: parseQueues(queues),
      options,
      worker,
      clock: systemClock,
      log: silentLogger,
    });
  }
  const thrown: Readonly<Record<string, unknown>> = {
    error: new TypeError('boom \ud800'),
    string: 'a string',
    null: null,
    aggregate: new AggregateError([new Error('one')], 'all'),
  };

  /** What is in Redis while a job runs. */
  async function whileRunning(queues = 'q,*'): Promise<{ worker: string; records: Record<string, unknown> }> {
    await stores.produce('q', '{"class":"Look","args":[1.0]}');
    const worker = workerId('some.host:with/colon', 17, queues.split(','));
    let records: Record<string, unknown> = {};
    await consumer(queues, worker, async () => {
      records = await dump(stores.db);
    }).run();
    return { worker, records };
  }

  async function failedOnes(): Promise<Record<string, unknown>[]> {
    await stores.produce(
      'q',
      ...Object.keys(thrown).map((what) => `{"class":"Throw","args":["${what}"]}`),
      '{"class":"Unknown","args":[]}',
      '{"args":[]}',
      '[1]',
      '5',
      'true',
      'not JSON',
      Buffer.from([0xff, 0x00]),
      '',
    );
    await consumer('q', workerId('host', 17, ['q']), async () => {}).run();
    return entries();
  }

  describe('a worker', () => {
    it('beats with a date that parses, in the form of ISO 8601', async () => {
      const { worker, records } = await whileRunning();
      const beats = (records['resque:workers:heartbeat'] as { value: Record<string, string> }).value;
      expect(Object.keys(beats)).toEqual([worker]);
      expect(beats[worker]).toMatch(ISO_8601);
      // With what the worker knows to have passed since.
      expect(Date.parse(`${beats[worker]}`) - NOW).toBeGreaterThanOrEqual(0);
      expect(Date.parse(`${beats[worker]}`) - NOW).toBeLessThan(PATIENCE);
    });

    it.each(['*', 'q', 'q,r,s', 'a b,☃', 'urn:x:y'])(
      'has an id of three parts or more, none empty, with queues %s',
      async (queues) => {
        const { worker, records } = await whileRunning(`${queues},q`);
        expect((records['resque:workers'] as { value: string[] }).value).toEqual([
          Buffer.from(worker).toString('latin1'),
        ]);
        const [host, pid, ...rest] = worker.split(':');
        expect(host).toMatch(/^lambdesque-[\w.-]+$/);
        expect(pid).toMatch(/^\d+$/);
        expect(rest.join(':').split(',')).toEqual([...queues.split(','), 'q']);
      },
    );

    it('has an id without an empty queue part where no queue is given, or an odd host', () => {
      for (const [host, queues] of [
        ['h', []],
        ['', ['q']],
        [':::', ['*']],
      ] as const) {
        expect(workerId(host, 1, queues)).toMatch(/^lambdesque-[\w.-]+:1:[^,]+$/);
      }
    });

    it('has a host part of its own, which no Ruby worker on this machine takes for its own dead process', () => {
      const ids = Array.from({ length: 100 }, () => workerId('vm', 1, ['*']).split(':')[0]);
      expect(new Set(ids).size).toBe(100);
      expect(ids).not.toContain('vm');
    });

    it('has started at a time as Ruby writes it', async () => {
      const { worker, records } = await whileRunning();
      expect(records[`resque:worker:${worker}:started`]).toEqual({
        type: 'string',
        value: expect.stringMatching(RUBY_TIME),
      });
    });

    it('leaves nothing behind that Ruby would take for a worker', async () => {
      const { worker } = await whileRunning();
      const left = Object.keys(await dump(stores.db));
      expect(left.filter((key) => key.includes('worker') || key.includes(worker))).toEqual([]);
    });

    it('works on a record like the captured one: queue, run_at, payload', async () => {
      await stores.produce('q', '{"class":"Boom","args":["x",{"n":1.0}]}');
      const worker = new TestWorker(stores.store);
      const raw = await worker.takeOne('q');
      const head = `{"queue":${JSON.stringify(raw.queue)},"run_at":"2026-11-20T20:40:37Z","payload":`;
      await worker.sync({ workingOn: { raw, head, tail: '}' } });
      const captured =
        '{"queue":"myqueue","run_at":"2026-11-20T20:40:37Z","payload":{"class":"Boom","args":["x",{"n":1.0}]}}';
      expect(await stores.db.get(stores.keys.worker(worker.id))).toBe(captured.replace('"myqueue"', '"q"'));
    });
  });

  describe('a failed entry', () => {
    it('has as text such a one of a dead worker, too, and a whole pair as it is', async () => {
      const payloads = ['{"class":"Once","args":["\\ud83d"]}', '{"class":"Once","args":["\\ud83d\\ude00"]}'];
      await stores.produce('q', ...payloads);
      const worker = new TestWorker(stores.store);
      await worker.start(...(await worker.take('q')));
      await stores.reclaimAfter(60_000);
      expect((await entries()).map((entry) => entry['payload'])).toEqual([
        payloads[0],
        { class: 'Once', args: ['\u{1f600}'] },
      ]);
    });

    it('has as text what would end the pages of Ruby, and gives its bytes back', async () => {
      const payloads = [
        '{"class":"Throw","args":["error","\\ud83d"]}',
        `{"class":"Throw","args":${'['.repeat(99)}${']'.repeat(99)}}`,
        `{"class":"${WRAPPER}","args":[]}`,
        '{"args":["\\ud83d"]}',
      ];
      await stores.produce('q', ...payloads);
      await consumer('q', workerId('host', 17, ['q']), async () => {}).run();
      expect((await entries()).map((entry) => entry['payload']).sort()).toEqual(payloads.toSorted());
      const failed = createFailed(redisFailedBroker(stores.client(), 'resque:', redisTime.now));
      expect(await failed.retryAll({})).toBe(3);
      expect((await stores.db.lrange(stores.keys.queue('q'), 0, -1)).sort()).toEqual(payloads.slice(0, 3).sort());
    });

    it('has Resque’s keys in Resque’s order, of Resque’s types', async () => {
      const all = await failedOnes();
      expect(all).toHaveLength(12);
      for (const entry of all) {
        expect(Object.keys(entry).slice(0, 7)).toEqual([
          'failed_at',
          'payload',
          'exception',
          'error',
          'backtrace',
          'worker',
          'queue',
        ]);
        expect(entry['failed_at']).toMatch(FAILED_AT);
        expect(Number.isNaN(Date.parse(`${entry['failed_at']}`))).toBe(false);
        expect(entry['worker']).toMatch(/^lambdesque-[^:]+:17:q$/);
        expect(entry['queue']).toBe('q');
        expect(entry['exception']).toEqual(expect.stringMatching(/./));
        expect(entry['error']).toEqual(expect.any(String));
        expect(entry['backtrace']).toEqual(expect.any(Array));
        expect((entry['backtrace'] as unknown[]).every((line) => typeof line === 'string')).toBe(true);
      }
    });

    it('is valid UTF-8 and JSON, whatever was thrown or arrived', async () => {
      await failedOnes();
      for (const entry of await stores.db.lrangeBuffer(stores.keys.failed, 0, -1)) {
        expect(Buffer.from(entry.toString('utf8')).equals(entry)).toBe(true);
        expect(entry.toString()).not.toMatch(/\\ud[89a-f]/i);
      }
    });

    it('shows a payload that is no object as a string: others would end the page of resque-web', async () => {
      const payloads = (await failedOnes()).map(({ payload }) => payload);
      expect(payloads.filter((payload) => typeof payload === 'string')).toEqual([
        '[1]',
        '5',
        'true',
        'not JSON',
        '\ufffd\0',
        '',
      ]);
    });

    it('has a worker that is a string also where no worker had the job', async () => {
      await stores.db.rpush(stores.keys.delayed(1), 'not JSON');
      await stores.db.zadd(stores.keys.delayedSchedule, 1, 1);
      await promoteDelayed(stores.store);
      const [entry] = await entries();
      expect(entry).toMatchObject({ worker: expect.any(String), failed_at: expect.stringMatching(FAILED_AT) });
    });
  });

  it('counts in plain integers', async () => {
    await failedOnes();
    for (const name of ['processed', 'failed'] as const) {
      expect(await stores.db.get(stores.keys.stat(name))).toMatch(/^\d+$/);
    }
  });

  it('keeps no key of its own under a name that others scan for', async () => {
    await stores.produce('q', '{"class":"A","args":[]}', '{"class":"B","args":[]}');
    const worker = stores.worker();
    const raw = await worker.takeOne('q');
    await worker.sync({
      settle: [retry(raw, { id: 'x', attempts: 1, deaths: 0 })],
      reserve: from('q'),
    });

    const own = Object.keys(await dump(stores.db)).filter((key) => /:(leases|inflight|retry)/.test(key));

    expect(own).toHaveLength(4);
    for (const key of own) {
      expect(key).not.toMatch(/^resque:(worker|workers|queue|queues|stat|delayed|timestamps|failed|resque-retry|job):/);
    }
  });

  it('writes delayed jobs that resque-scheduler can promote: a queue in the payload, an index without namespace', async () => {
    const { payload } = await client().enqueue('A', [], { queue: 'q', in: '60s' });
    expect(JSON.parse(payload)).toMatchObject({ class: 'A', args: [], queue: 'q' });
    const [member] = await stores.db.smembers(stores.keys.timestamps(payload));
    expect(member).toMatch(/^delayed:\d{10}$/);
    expect(await stores.db.exists(`resque:${member}`)).toBe(1);
  });
});
