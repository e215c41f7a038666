import { expect, test, vi } from 'vitest';
import { PATIENCE } from '../../helpers/eventually.ts';
import { runtimeEmulator } from '../../helpers/runtime-emulator.ts';
import { job, withBundles } from './suite.ts';

/** The same bundles under AWS's own Runtime Interface Emulator, which times out, and starts a new environment, as Lambda does. */

// It is built first, where it never was.
vi.setConfig({ testTimeout: 2 * PATIENCE });
const found = await runtimeEmulator();
if ('missing' in found) console.log(`AWS's Runtime Interface Emulator is skipped: ${found.missing}.`);
const program = 'program' in found ? found.program : '';

/** One of each source, as far as a consumer is concerned with them: not at all. */
const EVENTS: Readonly<Record<string, unknown>> = {
  'an SQS message': { Records: [{ eventSource: 'aws:sqs', messageId: '1', body: 'ring' }] },
  'an SNS message': { Records: [{ EventSource: 'aws:sns', Sns: { Message: 'ring' } }] },
  'an S3 object': { Records: [{ eventSource: 'aws:s3', s3: { object: { key: 'a+b' } } }] },
  'an EventBridge event': { version: '0', source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} },
  'a start by the scheduler': { source: 'lambdesque.scheduler' },
  null: null,
  'a text': 'ring',
  nothing: {},
};
const URL_EVENT = {
  version: '2.0',
  rawPath: '/',
  requestContext: { http: { method: 'POST', path: '/' }, domainName: 'abc.lambda-url.eu-central-1.on.aws' },
};

const DEATHS = [
  { class: 'Blocks', what: 'runs into the function’s timeout', answer: 'Task timed out after 5.00 seconds' },
  { class: 'Exits', what: 'exits', answer: { errorType: 'Runtime.ExitError', errorMessage: /exit status 3/ } },
  { class: 'Hoards', what: 'runs out of memory', answer: { errorType: 'Runtime.ExitError', errorMessage: /aborted/ } },
  { class: 'Kills', what: 'is killed', answer: { errorType: 'Runtime.ExitError', errorMessage: /killed/ } },
];

withBundles(
  (bundles) => {
    const { produce } = bundles;

    test.skipIf(!program)('any event drains; an error is one of the invocation', async () => {
      const lambda = await bundles.emulated(program, 30);
      for (const [what, event] of Object.entries(EVENTS)) {
        await produce('q', job('Quick'));
        expect(await lambda.invoke(event), what).toMatchObject({ succeeded: 1, stopped: 'empty' });
      }
      await produce('q', job('Quick'));
      expect(await lambda.invoke(URL_EVENT)).toMatchObject({ statusCode: 202 });
      expect(await bundles.db.llen('resque:queue:q')).toBe(0);
      expect(lambda.lines.filter((line) => line['cold_start'] === true && line['message'] === 'summary')).toHaveLength(
        1,
      );

      await bundles.db.replicaof('127.0.0.1', 1);
      expect(await lambda.invoke()).toMatchObject({ errorType: 'RedisUnavailableError' });
      await bundles.db.replicaof('NO', 'ONE');
      expect(await lambda.invoke()).toMatchObject({ stopped: 'empty' });
    });

    test.skipIf(!program)('ends before its deadline, and gives back what runs', async () => {
      await produce('q', job('Slow'), job('Stubborn'), job('Quick'));
      const lambda = await bundles.emulated(program, 3);
      expect(await lambda.invoke()).toMatchObject({ stopped: 'deadline', succeeded: 1, failed: 0, lost: 0 });
      expect((await bundles.db.llen('resque:queue:q')) + (await bundles.db.zcard('resque:retry'))).toBe(2);
      expect(await bundles.db.zcard('resque:leases')).toBe(0);
    });

    test.skipIf(!program).each(DEATHS)(
      'an environment that $what loses no job, and the next one runs them',
      async (death) => {
        const lambda = await bundles.emulated(program, 5, { concurrency: 10 }, { heap: 64 });
        const payload = (name: string, id: string) => JSON.stringify({ class: name, args: [], id });
        await produce('q', payload('Quick', 'quick'), payload(death.class, 'deadly'));
        const answer = await lambda.invoke();
        if (typeof death.answer === 'string') expect(answer).toBe(death.answer);
        else {
          expect(answer).toMatchObject({
            errorType: death.answer.errorType,
            errorMessage: expect.stringMatching(death.answer.errorMessage),
          });
        }
        await bundles.endLeases();
        const scheduler = await bundles.scheduler({ default: {} });
        expect((await scheduler.invoke({}, { timeout: 5_500 })).answer).toMatchObject({
          started: { default: expect.any(Number) },
        });
        const back = (await bundles.db.lrange('resque:queue:q', 0, -1)).map((text) => JSON.parse(text).id);
        expect(back).toContain('deadly');
        expect(back.length + Number((await bundles.db.get('resque:stat:processed')) ?? 0)).toBe(2);
        // Without the deadly one, whose deaths are told elsewhere: a new environment under the same emulator.
        for (const text of await bundles.db.lrange('resque:queue:q', 0, -1))
          if (text.includes('"deadly"')) await bundles.db.lrem('resque:queue:q', 0, text);
        await produce('q', job('Quick'));
        expect(await lambda.invoke()).toMatchObject({ failed: 0, released: 0, stopped: 'empty' });
        expect(Number(await bundles.db.get('resque:stat:processed'))).toBe(2);
        expect(await bundles.db.llen('resque:queue:q')).toBe(0);
      },
    );
  },
  { only: 'upstash' },
);
