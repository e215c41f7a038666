import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { programHere } from '../helpers/cli-here.ts';
import { PATIENCE } from '../helpers/eventually.ts';
import { payloads, push, range } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { JOBS, lambdesque, runs } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

/** A Redis that nobody may try to reach: a mistake in the flags comes first. */
const NOWHERE = 'redis://127.0.0.1:1';

describe('errors of use', () => {
  const work = ['work', '--queues', 'a', '--uri', NOWHERE];
  const enqueue = ['enqueue', 'Note', 'x', '--queue', 'a', '--uri', NOWHERE];
  test.each<[string, readonly string[], readonly (string | RegExp)[]]>([
    ['no --queues', ['work', '--uri', NOWHERE], ['--queues']],
    ['no queue in --queues', ['work', '--queues', '', '--uri', NOWHERE], ['--queues', '""']],
    ['only excluded queues', ['work', '--queues', '!a', '--uri', NOWHERE], ['--queues', '"!a"', '*']],
    ['an empty queue name', ['work', '--queues', 'a,,b', '--uri', NOWHERE], ['--queues', '"a,,b"']],
    ['a weight of 0', ['work', '--queues', 'a=0', '--uri', NOWHERE], ['--queues', '"0"', /1 to 999999/]],
    ['a weight that is no number', ['work', '--queues', 'a=b', '--uri', NOWHERE], ['--queues', '"b"', /1 to 999999/]],
    ['--interval without a number', [...work, '--interval', 'soon'], ['--interval', 'soon', /seconds/]],
    ['--interval of nothing', [...work, '--interval', '0'], ['--interval', /\b0\b/, /or more/]],
    ['--interval with an unknown unit', [...work, '--interval=5y'], ['--interval', '5y', '500ms']],
    ['--concurrency of 0', [...work, '--concurrency', '0'], ['--concurrency', "'0'", '1 or more']],
    ['--concurrency of 1.5', [...work, '-concurrency=1.5'], ['--concurrency', "'1.5'", '1 or more']],
    ['--concurrency that is no number', [...work, '--concurrency', 'all'], ['--concurrency', 'all', '1 or more']],
    ['--lease too short', [...work, '--lease', '999ms'], ['--lease', '999', /or more/]],
    ['--lease without a number', [...work, '--lease', 'long'], ['--lease', 'long', /seconds/]],
    ['--shutdown-timeout below 0', [...work, '--shutdown-timeout', '-1'], ['--shutdown-timeout', '-1', /seconds/]],
    ['--unknown-class', [...work, '--unknown-class', 'ignore'], ['--unknown-class', 'ignore', 'fail', 'release']],
    ['--strict and --weighted', [...work, '--strict', '--weighted'], ['--strict', '--weighted']],
    ['a switch with a value', [...work, '-exit-on-complete=maybe'], ['-exit-on-complete', 'maybe', 'true', 'false']],
    ['--use-number with a value', [...work, '--use-number=perhaps'], ['-use-number', 'perhaps', 'true', 'false']],
    ['a flag without its value', ['work', '--queues'], ['--queues']],
    ['an unknown flag', [...work, '--quues', 'b'], ['--quues', 'Did you mean --queues?', '--help']],
    ['--queue of work', ['work', '--queue', 'a'], ["'--queue'", 'Did you mean --queues?']],
    ['-queue=a of work', ['work', '-queue=a'], ['--queue', 'Did you mean --queues?']],
    ['--queues of enqueue', ['enqueue', 'Note', '--queues', 'a'], ["'--queues'", 'Did you mean --queue?']],
    ['--queues of start', ['start', '--queues', 'a'], ["'--queues'", 'lambdesque work takes --queues']],
    ['--uri of dev', ['dev', '--uri', NOWHERE], ["'--uri'", 'REDIS_URL']],
    ['--redis of tick', ['tick', '--redis', NOWHERE], ["'--redis'", 'Did you mean --uri?']],
    ['--redis without a name', ['work', '--queues', 'a', '--redis', NOWHERE], ['--redis', 'name=url', '--uri']],
    ['--url', ['tick', '--url', NOWHERE], ["'--url'", 'Did you mean --uri?']],
    ['--threads', [...work, '--threads', '5'], ["'--threads'", 'Did you mean --concurrency?']],
    ['--class', ['enqueue', '--class', 'Note'], ["'--class'", 'enqueue Hello hi there']],
    ['a flag before the command', ['--queues', 'a'], ["'--queues'", 'lambdesque work --queues']],
    ['queues without a flag', ['work', 'critical'], ['critical', '--queues critical,default']],
    ['an unknown command', ['wrok', '--queues', 'a'], ['wrok', 'Did you mean work?', '--help']],
    ['a command of another name', ['push', 'Note'], ['push', 'Did you mean enqueue?']],
    ['a noun of another name', ['failures'], ['Did you mean failed?']],
    ['a verb that a noun does not have', ['queues', 'drain', '--uri', NOWHERE], ['lambdesque queues --help']],
    ['a verb’s unknown flag', ['failed', 'retry', '--clas', 'A'], ['Did you mean --class?']],
    ['version as a command', ['version'], ['Did you mean --version?']],
    ['no command', [], ['work', 'enqueue']],
    ['an argument too many', [...work, 'surplus'], [/too many arguments/]],
    ['--jobs that is not there', [...work, '--jobs', './no-such.ts'], ['./no-such.ts', '--jobs', 'defineJob']],
    ['--jobs that exports no list', [...work, '--jobs', './shared/clock.ts'], ['./shared/clock.ts', 'default']],
    ['--jobs that cannot be loaded', [...work, '--jobs', './biome.json'], ['--jobs', './biome.json']],
    [
      '--uri of another kind',
      ['work', '--queues', 'a', '--uri', 'http://127.0.0.1'],
      ['http://127.0.0.1', '--upstash-token'],
    ],
    ['--uri that is no URL', ['work', '--queues', 'a', '--uri', 'localhost'], ['localhost', 'redis://']],
    [
      '--uri with # in its password',
      ['tick', '--uri', 'redis://default:123#tail@127.0.0.1:1'],
      ['percent-encode # as %23'],
    ],
    ['--uri with a socket’s path', ['tick', '--uri', 'redis:///run/x.sock'], ['redis+unix:///path/of.sock']],
    ['--uri with a database that is no number', ['tick', '--uri', `${NOWHERE}/abc`], ['"abc"', '0 to 15']],
    ['--uri with hosts that are no cluster', ['tick', '--uri', 'redis://a:1,b:2'], ['?cluster', 'redis+sentinel://']],
    ['--uri with an unknown option', ['tick', '--uri', `${NOWHERE}?timeout=5`], ['cluster, db, username']],
    [
      'a namespace for no cluster',
      ['tick', '--uri', 'redis://127.0.0.1:1?cluster', '--namespace', 'app'],
      ['app:', '{app}:', 'Cluster'],
    ],
    ['an empty namespace', [...work, '--namespace', ''], ['namespace', 'empty']],
    ['--serial that is no list', [...work, '--serial', 'a,,b'], ['--serial', '"a,,b"']],
    ['--limit without a queue', [...work, '--limit', '2'], ['--limit', '"2"', 'reports=2,100/1m']],
    ['--limit with a colon', [...work, '--limit', 'reports:2'], ['Did you mean reports=2?']],
    ['--limit that is none', [...work, '--limit', 'reports=two'], ['--limit reports', '"two"', '2,100/1m']],
    ['--limit of many queues', [...work, '--limit', '*=2'], ['--limit', 'one queue']],
    ['--limit twice', [...work, '--limit', 'a=2', '--limit', 'a=1/1s'], ['twice for a', 'a=2,100/1m']],
    ['--cron without --scheduler', [...work, '--cron', './cron.ts'], ['--cron', '--scheduler']],
    ['--failed-max without --scheduler', [...work, '--failed-max', '10'], ['--failed-max', '--scheduler']],
    ['two servers', [...work, '--upstash-url', 'https://x.upstash.io'], ['--uri', '--upstash-url']],
    [
      '--upstash-url alone',
      ['tick', '--upstash-url', 'https://x.upstash.io'],
      ['--upstash-token', 'UPSTASH_REDIS_REST_TOKEN'],
    ],
    ['--upstash-url of another kind', ['tick', '--upstash-url', 'x', '--upstash-token', 't'], ['"x"', 'https://']],
    ['--in without a number', [...enqueue, '--in', 'a while'], ['--in', 'a while', '30s']],
    ['--at without a zone', [...enqueue, '--at', '2026-12-01T09:00:00'], ['--at', '2026-12-01T09:00:00', 'zone']],
    [
      '--at that is no date',
      [...enqueue, '--at', '2026-13-01T09:00:00Z'],
      ['--at', '2026-13-01', '2026-12-01T09:00:00Z'],
    ],
    ['--in and --at', [...enqueue, '--in', '1s', '--at', '2026-12-01T09:00:00Z'], ['--in', '--at']],
    [
      '--json that is none',
      ['enqueue', 'Note', '{x', '--json', '--queue', 'a', '--uri', NOWHERE],
      ['--json', 'the argument {x', `'{"month":7}'`, '"hi"'],
    ],
    [
      '--json of which one is none',
      ['enqueue', 'Note', '7', 'hi', '--json', '--queue', 'a', '--uri', NOWHERE],
      ['--json', 'argument 2 of 2, hi', `'"hi"'`],
    ],
    [
      '--json with quotes that a shell should have taken',
      ['enqueue', 'Note', `'{"a":1}'`, '--json', '--queue', 'a', '--uri', NOWHERE],
      ['--json', String.raw`"{\"a\":1}"`],
    ],
    [
      '--uri of Upstash’s REST API without its token',
      ['tick', '--uri', 'https://some-name-1.upstash.io'],
      ['some-name-1.upstash.io', '--upstash-token', 'UPSTASH_REDIS_REST_TOKEN'],
    ],
    ['no queue for a job', ['enqueue', 'Nobody', '--uri', NOWHERE, '--jobs', JOBS], ['Nobody', 'queue']],
    ['no class', ['enqueue', '--uri', NOWHERE], ['class']],
  ])('%s: exit code 2, and what is wrong on standard error', async (_name, args, says) => {
    const { code, stdout, stderr } = await programHere(args);
    for (const one of says)
      expect(stderr).toEqual(typeof one === 'string' ? expect.stringContaining(one) : expect.stringMatching(one));
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test.each([[['wrok']], [['work', '--queues', '', '--uri', NOWHERE]], [[...work, '--jobs', './no-such.ts']]])(
    'the process says what the program says: %j',
    async (args) => {
      expect(await lambdesque(args).ended).toMatchObject(await programHere(args));
    },
  );
});

test.each([
  ['tick', '--uri', 'redis://default:123#hunter2@127.0.0.1:1'],
  ['tick', '--uri', 'redis://app:hunter2/x@127.0.0.1:1'],
  ['tick', '--uri', 'redis://app:hunter2?x@127.0.0.1:1'],
  ['work', '--queues', 'a', '--uri', 'redis://app:hunter2%@127.0.0.1:1'],
  ['work', '--queues', 'a', '--uri', 'redis://:p@hunter2/x@127.0.0.1:1'],
])('a password that has to be encoded is not shown: %s %s %s %s', async (...args) => {
  const { code, stdout, stderr } = await programHere(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toMatch(/hunter2|default|123|tail/);
});

describe('the database of the URL', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test.each([
    ['enqueue', ['enqueue', 'Note', 'x', '--queue', 'q']],
    ['work', ['work', '--queues', 'q', '--exit-on-complete']],
    ['tick', ['tick']],
  ])('has to be there, or nothing is done: %s', async (_command, args) => {
    await push(redis.client, 'q', ...payloads('Note', [1]));
    const before = await redis.client.info('keyspace');
    const { code, stdout, stderr } = await lambdesque([...args, '--jobs', JOBS, '--uri', `${redis.url}/99`]).ended;
    expect(code).toBe(2);
    expect(stdout).not.toMatch(/Enqueued|succeeded|working/);
    expect(stderr).toMatch(/^error: Redis at 127\.0\.0\.1:\d+ has no database 99.*Allowed are 0 to one less/);
    expect(await redis.client.info('keyspace')).toBe(before);
    await redis.client.flushall();
  });
});

describe('help', () => {
  test.each([[[]], [['work']], [['enqueue']], [['tick']], [['start']], [['dev']], [['demo']]])(
    '%j --help fits a screen, on standard output, with 0',
    async (command) => {
      const { code, stdout, stderr } = await programHere([...command, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.trimEnd().split('\n');
      expect(lines.length).toBeLessThanOrEqual(42);
      expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(80);
      expect(stdout).toMatch(/^Usage: lambdesque/);
      expect(stdout).toMatch(new RegExp(`^For example:\n  lambdesque ${command[0] ?? '\\w+'}`, 'm'));
    },
  );

  test('--version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    for (const flag of ['--version', '-V']) {
      expect(await lambdesque([flag]).ended).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    }
  });
});

describe('goworker’s flags', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test('work as they do there, with one dash and =', async () => {
    await redis.client.sadd('go:queues', 'a', 'b');
    await redis.client.rpush('go:queue:a', ...payloads('Note', range(1, 3)));
    await redis.client.rpush('go:queue:b', '{"class":"Inspect","args":["x",12345678901234567890]}');
    const flags = ['-queues=a=3,b=1', '-interval=0.5', '-concurrency=2', '-connections=2', `-uri=${redis.url}/`];
    const more = ['-namespace=go:', '-exit-on-complete=true', '-use-number=false', '--jobs', JOBS];
    const { code, stdout, stderr } = await lambdesque(['work', ...flags, ...more]).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(runs(stdout).map((line) => line.outcome)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded']);
    expect(stdout).toContain('"order":"weighted"');
    expect(stdout).toContain('--connections has no meaning here');
    // Without -use-number a long integer is what a double makes of it.
    expect(stdout).toContain('"text":"12345678901234567000"');
    expect(await redis.client.keys('resque:*')).toEqual([]);
    expect(await redis.client.get('go:stat:processed')).toBe('4');
  });

  test('-exit-on-complete=false goes on, -use-number keeps long integers', async () => {
    await push(redis.client, 'b', '{"class":"Inspect","args":["x",12345678901234567890]}');
    const flags = ['-queues', 'b', '-exit-on-complete=false', '-use-number', '-uri', redis.url, '-jobs', JOBS];
    const worker = lambdesque(['work', ...flags]);
    await worker.line((line) => line.outcome === 'succeeded');
    expect(worker.stdout).toContain('"text":"12345678901234567890"');
    expect(worker.running).toBe(true);
    worker.signal('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0 });
  });
});
