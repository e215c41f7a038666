import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { type ConsumerOptions, Lambdesque } from '../../infra/index.ts';
import { moduleFiles, SYNTAX } from '../helpers/module-files.ts';
import { testStack, upstash, warningsOf } from './stack.ts';

type Consumers = Record<string, ConsumerOptions>;

const all: Consumers = { all: { queues: '*' } };
const serial = { concurrency: 1, maxWorkers: 1 };

function system(consumers: Consumers, props: { cron?: object; jobs?: string } = {}) {
  const stack = testStack();
  const { cron = {}, jobs = 'test/infra/jobs/good.ts' } = props;
  new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs: jobs,
    consumers,
    cron: cron as Record<string, never>,
    metricsDashboard: false,
  });
  return stack;
}

describe('consumers and jobs', () => {
  test('no consumers', () => {
    expect(() => system({})).toThrow(
      "consumers is empty, so no job would run. Give one, such as { default: { queues: ['*'] } }.",
    );
  });

  test('an error names the consumer that it is about', () => {
    expect(() => system({ mail: { queues: ['a,b'] } })).toThrow(/^consumers\.mail: queues holds "a,b"/);
    expect(() => system({ mail: { queues: '*', memorySize: 1 } })).toThrow(/^consumers\.mail: memorySize must be/);
  });

  test('a class whose queue nobody drains', () => {
    expect(() => system({ mail: { queues: 'mailers' }, rest: { queues: '*,!ledger' } })).toThrow(
      /^The job class "Entry" \(.*test\/infra\/jobs\/good\.ts:\d+:\d+\) has the queue "ledger", which no consumer drains \(mail: mailers; rest: \*,!ledger\)\. Add it to the queues of one, or change the queue\.$/,
    );
  });

  test('a class whose attempt does not fit into an invocation', () => {
    expect(() =>
      system({ mail: { queues: 'mailers', timeout: Duration.seconds(60) }, rest: { queues: 'ledger' } }),
    ).toThrow(
      /^The job class "Mail" \(.*\) may run for 60 s, but an invocation of the consumer mail leaves 57 s: its timeout of 60 s less the time to end in order\. Give the consumer a longer timeout/,
    );
    system({ mail: { queues: 'mailers', timeout: Duration.seconds(63) }, rest: { queues: 'ledger' } });
  });

  test('a class that goes where its producer says needs one consumer that can hold it', () => {
    const short = { queues: ['mailers', 'ledger'], timeout: Duration.minutes(5) };
    expect(() => system({ short })).toThrow(/"Anywhere".* may run for 600 s/);
    system({ short, long: { queues: 'reports', timeout: Duration.minutes(11) } });
  });

  test('a class without end', () => {
    expect(() => system(all, { jobs: 'test/infra/jobs/endless.ts' })).toThrow(
      /"Endless".* may run for an unlimited time, but an invocation of the consumer all leaves 897 s/,
    );
  });
});

describe('serial consumers', () => {
  test.each<[string, string, string]>([
    ['ledger', 'mailers,ledger', 'ledger'],
    ['led*', '*', 'ledger'],
    ['other_*,ledger,mailers', 'other_x?', 'other_xx'],
    ['a[bc]d,ledger,mailers', 'abd', 'abd'],
  ])('%s and %s share a queue', (one, other, queue) => {
    const rest = { rest: { queues: 'mailers,ledger' } };
    expect(() => system({ one: { queues: one, ...serial }, other: { queues: other, ...serial }, ...rest })).toThrow(
      `The consumers one and other both run one job at a time (concurrency 1, maxWorkers 1) and both drain "${queue}", so two of its ` +
        `jobs could run at once. Take it from one of them, for instance with "!${queue}", or have Redis hold it, with serial: true.`,
    );
  });

  test('that share none are fine, and so are others that share', () => {
    const stack = system({
      one: { queues: 'ledger', ...serial },
      two: { queues: 'mailers', ...serial },
      three: { queues: '*,!ledger,!mailers' },
      four: { queues: 'reports' },
    });
    expect(warningsOf(stack)).toEqual([]);
  });

  test('that Redis holds may share, with any other', () => {
    const held = { queues: 'ledger', ...serial, serial: true };
    expect(warningsOf(system({ ledger: held, other: { queues: 'ledger', ...serial }, all: { queues: '*' } }))).toEqual([
      expect.stringContaining('The consumer other runs one job at a time'),
    ]);
  });

  test('beside one that is not serial: a warning', () => {
    const stack = system({ ledger: { queues: 'ledger', ...serial }, all: { queues: '*' } });
    expect(warningsOf(stack)).toEqual([
      expect.stringContaining(
        'The consumer ledger runs one job at a time (concurrency 1, maxWorkers 1), but all drains "ledger" as well: its jobs can run at once.',
      ),
    ]);
  });
});

describe('cron entries', () => {
  test.each<[string, object, RegExp]>([
    [
      'a class that is not defined',
      { nightly: { cron: '0 3 * * *', class: 'Nightly' } },
      /cron entry "nightly".*"Nightly".*not defined.*Mail, Entry, Anywhere/,
    ],
    [
      'a time zone that does not exist',
      { nightly: { cron: '0 3 * * *', class: 'Mail', timeZone: 'Europe/Pariss' } },
      /cron entry "nightly".*Europe\/Pariss/,
    ],
    ['a bad field', { nightly: { cron: '0 25 * * *', class: 'Mail' } }, /cron entry "nightly": cron/],
    ['no time', { nightly: { class: 'Mail' } }, /cron entry "nightly": no time/],
    ['no queue', { nightly: { every: '1h', class: 'Anywhere' } }, /cron entry "nightly": no queue/],
  ])('%s', (_name, cron, message) => {
    expect(() => system(all, { cron })).toThrow(message);
  });

  test('a queue that nobody drains', () => {
    const cron = { nightly: { every: '1h', class: 'Anywhere', queue: 'reports' } };
    expect(() => system({ some: { queues: 'mailers,ledger' } }, { cron })).toThrow(
      'The cron entry "nightly" enqueues to "reports", which no consumer drains (some: mailers,ledger).',
    );
  });
});

describe('the jobs module', () => {
  test.each([
    [
      'jobs/nowhere.ts',
      /^jobs: the module test\/infra\/jobs\/nowhere\.ts does not exist \(looked at \/.*nowhere\.ts\)\. Give one whose /,
    ],
    [
      'jobs/no-default.ts',
      /^jobs: the module .* must export an array of definitions by default, like: export default \[Hello\]; its default export is missing\.$/,
    ],
    ['jobs/throwing.ts', /^jobs: the module .* cannot be loaded: Error: no DATABASE_URL\n.*throwing\.ts:1:7/],
    [
      'jobs/awaiting.ts',
      /^jobs: the module .* cannot be loaded: it, or a module that it imports, has a top-level await\. Await inside perform\.$/,
    ],
    ['jobs/never.ts', /^jobs: the module .* has a top-level await/],
  ])('%s', (file, message) => {
    expect(() => system(all, { jobs: `test/infra/${file}` })).toThrow(message);
  });

  test('may be written in all that a bundle understands', () => {
    for (const [name, files] of Object.entries(SYNTAX).slice(0, 3)) {
      expect(() => system(all, { jobs: join(moduleFiles(files), name) })).not.toThrow();
    }
  });
});
