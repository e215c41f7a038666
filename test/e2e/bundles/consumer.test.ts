import { expect, test } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { FUNCTION_NAME } from '../../helpers/lambda-runner.ts';
import { begun, job, withBundles } from './suite.ts';

/** A Function URL's event, as far as it matters. */
const HTTP_EVENT = {
  version: '2.0',
  rawPath: '/',
  requestContext: { http: { method: 'POST', path: '/' }, domainName: 'abc.lambda-url.eu-central-1.on.aws' },
};

withBundles((bundles) => {
  const { consumer, produce } = bundles;
  const count = async (key: string) => bundles.db.llen(`resque:${key}`);
  const waiting = async () => (await count('queue:q')) + (await bundles.db.zcard('resque:retry'));
  const workers = () => bundles.db.zcard('resque:leases');

  test('drains its queues and says what it did', async () => {
    await produce('q', ...Array.from({ length: 200 }, () => job('Quick')), job('Fails'), job('Nobody'));
    const lambda = await consumer();

    const { answer } = await lambda.invoke();

    expect(answer).toEqual({
      processed: 202,
      succeeded: 200,
      retried: 1,
      failed: 1,
      discarded: 0,
      released: 0,
      lost: 0,
      stopped: 'empty',
    });
    expect(await count('queue:q')).toBe(0);
    expect(await workers()).toBe(0);
    const [entry] = await bundles.db.lrange('resque:failed', 0, -1);
    expect(JSON.parse(entry ?? '')).toMatchObject({ exception: 'UnknownClassError', queue: 'q' });
  });

  test('keeps the limits of its settings, and the options, middleware and callbacks that the jobs module exports', async () => {
    await produce('q', job('Grouped'), job('Quick'), job('Quick'), job('Quick'));
    const lambda = await consumer({ limits: { q: { running: 1, rate: '3/1h' } } });
    expect((await lambda.invoke()).answer).toMatchObject({ succeeded: 2, failed: 1, retried: 0 });
    expect(await count('queue:q')).toBe(1);
    expect(lambda.output).toContain('around it');
    expect(lambda.output).toContain('{"told":"Grouped","args":[],"why":"BadDay: it snows"}');
  });

  test('runs one invocation after the other in the same environment, and keeps its connection', async () => {
    const lambda = await consumer();
    for (let i = 0; i < 3; i++) {
      await produce('q', job('Quick'));
      expect((await lambda.invoke({ Records: [] })).answer).toMatchObject({ succeeded: 1, stopped: 'empty' });
    }
    expect(bundles.aws.reads).toHaveLength(1);
  });

  test('as many run as may, whoever starts them; one too many ends in a second and says so', async () => {
    await produce('q', job('Slow'), job('Slow'));
    const settings = { concurrency: 1, maxWorkers: 1, serial: true };
    const lambdas = await Promise.all([1, 2, 3].map(() => consumer(settings)));
    const runs = lambdas.map((lambda) => lambda.invoke({}, { timeout: 5_000 }));
    await eventually(() => expect(lambdas.filter((one) => begun(one) === 1)).toHaveLength(1));
    const answers = await Promise.all(runs);
    expect(answers.filter(({ answer }) => (answer as { stopped: string }).stopped === 'maxWorkers')).toHaveLength(2);
    expect(lambdas.map(begun).sort()).toEqual([0, 0, 1]);
    const said = lambdas.filter((one) =>
      one.output.includes('As many workers of this consumer run as may (maxWorkers: 1)'),
    );
    expect(said.map(begun)).toEqual([0, 0]);
    expect(await workers()).toBe(0);
  });

  test('the place of one that was killed is taken until its lease has ended; then a start is one worker, delivered twice or not', async () => {
    await produce('q', job('Slow'), job('Slow'));
    const settings = { concurrency: 1, maxWorkers: 1, serial: true };
    const [killed, early] = await Promise.all([consumer(settings), consumer(settings)]);
    const died = killed.invoke();
    await eventually(() => expect(begun(killed)).toBe(1));
    await killed.kill();
    expect(await died).toMatchObject({ died: true });
    expect((await early.invoke()).answer).toMatchObject({ stopped: 'maxWorkers', processed: 0 });

    await bundles.endLeases();
    const scheduler = await bundles.scheduler({ default: { concurrency: 1, maxWorkers: 1 } });
    expect((await scheduler.invoke({}, { timeout: 4_000 })).answer).toMatchObject({ started: { default: 1 } });
    const event = bundles.aws.invokes[0]?.event;
    const twice = [early, await consumer(settings)];
    const answers = await Promise.all(twice.map((one) => one.invoke(event, { timeout: 3_000 })));
    const ends = answers.map(({ answer }) => (answer as { stopped: string }).stopped);
    expect(ends.sort()).toEqual(['deadline', 'maxWorkers']);
    expect(twice.map(begun).sort()).toEqual([0, 1]);
    expect(await waiting()).toBe(2);
  });

  test('logs a line for each run, with the request id; metrics stand in lines of their own', async () => {
    await produce('q', '{"class":"Talks","args":["secret argument"],"id":"job-1"}', job('Fails'), job('Quick'));
    const lambda = await consumer();
    const first = await lambda.invoke();

    const find = (message: string) => lambda.lines.find((line) => line['message'] === message);
    const invocation = {
      service: 'lambdesque',
      cold_start: true,
      function_name: FUNCTION_NAME,
      function_request_id: first.requestId,
    };
    expect(find('job succeeded')).toMatchObject({
      ...invocation,
      level: 'INFO',
      consumer: 'default',
      class: 'Talks',
      queue: 'q',
      id: 'job-1',
      attempt: 1,
      outcome: 'succeeded',
      ms: expect.any(Number),
    });
    expect(find('job succeeded')).not.toHaveProperty('sampling_rate');
    expect(find('summary')).toMatchObject(invocation);
    expect(find('said something')).toMatchObject({ ...invocation, class: 'Talks', id: 'job-1', topic: 'weather' });
    // The class's name survives minification.
    expect(find('job retried')).toMatchObject({ level: 'WARN', error: 'BadDay: it rains' });
    expect(lambda.output).not.toContain('secret argument');
    const metrics = lambda.lines.filter((line) => '_aws' in line);
    expect(metrics).toHaveLength(1);
    expect(metrics[0]).toMatchObject({
      consumer: 'default',
      queue: 'q',
      Processed: 3,
      Succeeded: 2,
      Retried: 1,
      Failed: 0,
    });
  });

  test('each line says of which invocation it is, and of which trace where X-Ray takes one', async () => {
    const plain = await consumer();
    const traced = await consumer({}, { traced: true });
    for (const lambda of [plain, traced]) {
      const requestIds = [(await lambda.invoke()).requestId, (await lambda.invoke()).requestId];
      const lines = lambda.lines.filter((line) => 'message' in line);
      expect(lines.map((line) => line['function_request_id'])).toEqual(requestIds);
      expect(lines.map((line) => line['cold_start'])).toEqual([true, false]);
      const trace = lambda === traced ? '1-5759e988-bd862e3fe1be46a994272793' : undefined;
      expect(lines.map((line) => line['xray_trace_id'])).toEqual([trace, trace]);
    }
  });

  test('ends before its deadline, and loses nothing: 10-second jobs in 3 seconds', async () => {
    await produce(
      'q',
      ...Array.from({ length: 15 }, () => job('Slow')),
      ...Array.from({ length: 15 }, () => job('Stubborn')),
    );
    const lambda = await consumer({ concurrency: 20 });

    const { answer, died, ms } = await lambda.invoke({}, { timeout: 3_000 });

    expect(died).toBe(false);
    expect(ms).toBeLessThan(3_000);
    expect(answer).toMatchObject({ stopped: 'deadline', succeeded: 0, failed: 0, lost: 0 });
    expect(await waiting()).toBe(30);
    expect(await workers()).toBe(0);
    expect(await bundles.db.keys('resque:inflight:*')).toEqual([]);
  });

  test('may be started five times at once', async () => {
    const jobs = Array.from({ length: 2_000 }, (_, i) => `{"class":"Quick","args":[],"id":"job-${i}"}`);
    await produce('q', ...jobs);
    const lambdas = await Promise.all(Array.from({ length: 5 }, () => consumer()));

    const invocations = await Promise.all(lambdas.map((one) => one.invoke()));

    const summaries = invocations.map((one) => one.answer as { succeeded: number; stopped: string });
    expect(summaries.reduce((sum, one) => sum + one.succeeded, 0)).toBe(2_000);
    expect(summaries.every((one) => one.stopped === 'empty')).toBe(true);
    const ran = lambdas.flatMap((one) =>
      one.lines.filter((line) => line['outcome'] === 'succeeded').map((line) => line['id']),
    );
    expect(new Set(ran).size).toBe(2_000);
    expect(ran).toHaveLength(2_000);
    expect(await workers()).toBe(0);
  });

  test('killed while it runs jobs, loses none: the scheduler gives them back, in order, and starts another', async () => {
    const jobs = [1, 2, 3].map((n) => job('Slow', n));
    await produce('q', ...jobs);
    const lambda = await consumer();
    const done = lambda.invoke();
    await eventually(() => expect(begun(lambda)).toBe(3));
    await lambda.kill();
    expect((await done).died).toBe(true);

    const early = await bundles.scheduler({ default: {} });
    expect((await early.invoke({}, { timeout: 4_000 })).answer).toMatchObject({ reclaimed: 0, started: {} });
    // A clock that is ahead ends no lease.
    const ahead = await bundles.scheduler({ default: {} }, { clockOffset: 120_000 });
    expect((await ahead.invoke({}, { timeout: 4_000 })).answer).toMatchObject({ reclaimed: 0 });
    await bundles.endLeases();
    const late = await bundles.scheduler({ default: {} }, { clockOffset: -120_000 });
    const { answer } = await late.invoke({}, { timeout: 4_000 });

    expect(answer).toMatchObject({ reclaimed: 3, started: { default: 1 } });
    const back = await bundles.db.lrange('resque:queue:q', 0, -1);
    expect(back.map((payload) => JSON.parse(payload).args)).toEqual([[1], [2], [3]]);
    expect(late.lines).toContainEqual(expect.objectContaining({ consumer: 'default', Reclaimed: 3 }));
    expect(bundles.aws.invokes).toHaveLength(1);
  });

  test('survives a promise that a handler left behind', async () => {
    await produce('q', job('Careless'), job('Quick'));
    const lambda = await consumer();
    expect((await lambda.invoke()).answer).toMatchObject({ succeeded: 2 });
    expect(lambda.output).toContain('Error: nobody awaits this');
    expect((await lambda.invoke()).died).toBe(false);
  });

  test('throws to the runtime, whatever started it: so Lambda counts an error, and keeps the event', async () => {
    await produce('q', job('Quick'));
    const lambda = await consumer();
    await bundles.db.replicaof('127.0.0.1', 1);
    try {
      for (const event of [{}, HTTP_EVENT, { Records: [] }, { source: 'lambdesque.doorbell' }, null, 'text']) {
        expect((await lambda.invoke(event)).error).toMatchObject({ name: 'RedisUnavailableError' });
      }
    } finally {
      await bundles.db.replicaof('NO', 'ONE');
    }
    expect(lambda.output).toContain('The invocation failed');
    expect((await lambda.invoke()).answer).toMatchObject({ succeeded: 1 });
  });

  test('called as a Function URL it gives its 202 when the drain is over', async () => {
    await produce('q', job('Quick'));
    const lambda = await consumer();
    expect((await lambda.invoke(HTTP_EVENT)).answer).toMatchObject({ statusCode: 202 });
    expect(await waiting()).toBe(0);
  });
});
