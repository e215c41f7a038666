import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { widthOf } from '../../infra/local/terminal-text.ts';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { freshFolder } from '../helpers/fresh-folder.ts';
import { push } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { atTerminal, hasTerminals, onTerminal } from '../helpers/terminal.ts';
import { type CliProcess, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

const HELLO = '{"class":"Hello","args":[1],"id":"an-id"}';
const env = () => ({ REDIS_URL: redis.url });

test('the commands are there, with their exit codes, connection flags and JSON', async () => {
  await push(redis.client, 'mail', HELLO);
  const { code, stdout, stderr } = await lambdesque(['jobs', 'find', '--class', 'Hello', '--json', '--uri', redis.url])
    .ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ state: 'queued', queue: 'mail', id: 'an-id', payload: HELLO });
  expect(await lambdesque(['jobs', 'show', 'no-id'], { env: env() }).ended).toMatchObject({ code: 1, stdout: '' });
  expect(await lambdesque(['queues', 'rm', 'mail'], { env: env() }).ended).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no terminal to ask: Remove the queue mail and its 1 job?'),
  });
  const doctor = await lambdesque(['doctor', '--fix', '--json'], { env: env() }).ended;
  expect(doctor.code).toBe(1);
  expect(
    doctor.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).check),
  ).toEqual(['persistence', 'undrained-queues']);
});

test('what export writes, import takes from its standard input', async () => {
  const entry = `{"failed_at":"2026/11/20 20:29:37 UTC","payload":${HELLO},"exception":"E","error":"a\u2028b","backtrace":[],"worker":"w","queue":"q"}`;
  const many = Array.from({ length: 2_000 }, (_, i) => entry.replace('"E"', `"E${i}"`));
  await redis.client.rpush('resque:failed', ...many);
  const exported = await lambdesque(['failed', 'export'], { env: env() }).ended;
  await redis.client.del('resque:failed');
  const importing = lambdesque(['failed', 'import'], { env: env(), typing: true });
  importing.type(exported.stdout);
  importing.type(null);
  expect(await importing.ended).toMatchObject({ code: 0, stdout: 'Added 2000 entries to the list failed.\n' });
  expect(await redis.client.lrange('resque:failed', 0, -1)).toEqual(many);
});

describe.skipIf(!hasTerminals)('on a terminal', () => {
  test('a question comes before what cannot be undone', async () => {
    await push(redis.client, 'mail', HELLO, HELLO);
    const answer = async (text: string) => {
      const asking = atTerminal(['queues', 'clear', 'mail'], { columns: 80, env: env() });
      await eventually(() => expect(asking.stdout).toContain('Remove 2 jobs of the queue mail? [y/N] '));
      asking.type(text);
      const { code, stdout } = await asking.ended;
      return { code, stdout };
    };
    expect(await answer('\r')).toMatchObject({ code: 1, stdout: expect.stringContaining('Nothing was done.') });
    // Ctrl-C
    expect((await answer('\u0003')).code).not.toBe(0);
    expect(await redis.client.llen('resque:queue:mail')).toBe(2);
    expect(await answer('y\r')).toMatchObject({ code: 0, stdout: expect.stringContaining('Removed 2 jobs') });
    expect(await redis.client.llen('resque:queue:mail')).toBe(0);
  });

  test('tables fit', async () => {
    await push(
      redis.client,
      'a-queue-with-a-very-long-name'.repeat(3),
      `{"class":"${'日本'.repeat(40)}","args":["${'x'.repeat(300)}"]}`,
    );
    for (const command of [['queues'], ['jobs']]) {
      const { code, sent } = await onTerminal([...command, '--uri', redis.url], { columns: 100 });
      expect(code).toBe(0);
      for (const line of sent.split('\n')) expect(widthOf(stripVTControlCharacters(line))).toBeLessThanOrEqual(100);
    }
  });

  test.each([['failed', 'retry'], ['jobs', 'find'], ['cron', 'set'], ['top'], ['doctor'], ['stats', 'days']])(
    'help fits its width: %s %s',
    async (...command) => {
      const { sent } = await onTerminal([...command, '--help'], { columns: 80 });
      expect(sent).toContain('--json');
      for (const line of sent.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(80);
    },
  );
});

describe.skipIf(!hasTerminals)('top', () => {
  const ENTER = '\u001b[?1049h';
  const LEAVE = '\u001b[?1049l';
  /** What the terminal shows: what was drawn last. */
  const screenOf = (top: CliProcess) => {
    const last = top.stdout.split('\u001b[H').at(-1) ?? '';
    return stripVTControlCharacters(last).split('\r\n');
  };
  const shows = (top: CliProcess, text: string | RegExp) =>
    eventually(() => {
      if (!top.running) throw new Error(`It has ended: ${top.stdout}`);
      expect(screenOf(top).join('\n')).toMatch(text);
    });
  const start = (first = ':', size = { columns: 100, rows: 20 }) =>
    atTerminal(['top', '--interval', '200ms'], { ...size, first, env: env() });

  test('shows queues, workers and failures as they come, and what that costs; keys change it', async () => {
    await push(redis.client, 'mail', HELLO, HELLO);
    await push(redis.client, 'other', HELLO);
    const top = start();
    await shows(top, /mail +2 /);
    await shows(top, /commands each 0\.2 s: [\d,]+ an hour/);
    expect(screenOf(top)).toHaveLength(20);
    await push(redis.client, 'other', HELLO, HELLO);
    await shows(top, /other +3 [\s\S]*mail +2 /);

    // The selection is of a queue, not of a row.
    top.type('\u001b[B');
    await push(redis.client, 'mail', HELLO, HELLO);
    await shows(top, /mail +4 [\s\S]*other +3 /);
    top.type('p');
    await shows(top, /mail .*paused/);
    expect(await redis.client.smembers('resque:queues:paused')).toEqual(['mail']);
    top.type('p');
    await eventually(async () => expect(await redis.client.scard('resque:queues:paused')).toBe(0));
    top.type('s');
    await shows(top, /by jobs/);

    await redis.client.sadd('resque:workers', 'ruby.example:1:mail');
    await redis.client.set(
      'resque:worker:ruby.example:1:mail',
      `{"queue":"mail","run_at":"2026-11-20T20:29:37Z","payload":${HELLO}}`,
    );
    top.type('2');
    await shows(top, /ruby\.example +1 +mail .*Hello/);
    top.type('\t');
    await shows(top, /nothing has failed/);
    await redis.client.rpush(
      'resque:failed',
      `{"failed_at":"2026/11/20 20:29:37 UTC","payload":${HELLO},"exception":"E","error":"\u009b2J boom","backtrace":[],"worker":"w","queue":"mail"}`,
    );
    await shows(top, /Hello .*boom/);
    top.type('r');
    await shows(top, /Hello .*retried/);
    expect(await redis.client.llen('resque:queue:mail')).toBe(5);

    top.type('q');
    const { code, stdout } = await top.ended;
    expect(code).toBe(0);
    expect(stdout.endsWith(LEAVE)).toBe(true);
    expect(stdout).not.toContain('\u009b');
  });

  test('follows the size of the terminal', async () => {
    await push(redis.client, 'long-queue-with-a-name-that-takes-all-the-room-there-is', HELLO);
    const { path } = freshFolder();
    const go = join(path, 'go');
    const top = start(`{ (until [ -e ${go} ]; do sleep 0.05; done; stty cols 60 rows 12 < /dev/tty) & }`);
    await shows(top, /long-queue-with/);
    writeFileSync(go, '');
    await eventually(() => expect(screenOf(top)).toHaveLength(12));
    for (const line of screenOf(top).slice(0, 3)) expect(widthOf(line)).toBeLessThanOrEqual(60);
    top.type('\u0003');
    expect(await top.ended).toMatchObject({ code: 0 });
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('leaves the terminal as it was at %s', async (signal, expected) => {
    const { path } = freshFolder();
    const file = join(path, 'pid');
    const top = start(`echo $$ > ${file}`);
    await shows(top, /lambdesque top/);
    process.kill(Number(readFileSync(file, 'utf8')), signal);
    const { code, stdout } = await top.ended;
    expect(code).toBe(expected);
    expect(stdout.indexOf(ENTER)).toBeGreaterThan(-1);
    expect(stdout.endsWith(`\u001b[?7h\u001b[?25h${LEAVE}`)).toBe(true);
  });

  test('goes on while Redis is away, and says so', async () => {
    const away = await startRedis({ appendonly: true });
    try {
      await push(away.client, 'mail', HELLO);
      const top = atTerminal(['top', '--interval', '200ms'], { columns: 100, rows: 20, env: { REDIS_URL: away.url } });
      await shows(top, /mail +1 /);
      await away.kill();
      await shows(top, /mail +1 [\s\S]*No answer: Redis at/);
      await away.start();
      await push(away.client, 'mail', HELLO);
      await shows(top, /mail +2 [\s\S]*q quit/);
      top.type('q');
      expect(await top.ended).toMatchObject({ code: 0 });
    } finally {
      await away.stop();
    }
  });
});

test('top prints once where there is no terminal', async () => {
  await push(redis.client, 'mail', HELLO);
  const { code, stdout } = await lambdesque(['top'], { env: env() }).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^queued 1 .*\n\nqueues:\nqueue +jobs [\s\S]*mail +1 [\s\S]*workers:\nno worker is registered\n\nfailures:\nnothing has failed\n$/,
  );
});
