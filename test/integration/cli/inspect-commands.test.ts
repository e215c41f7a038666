import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { lambdesqueHere } from '../../helpers/cli-here.ts';
import { freshFolder } from '../../helpers/fresh-folder.ts';
import { failedTexts, push, queued } from '../../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { serverTime } from '../../helpers/server-time.ts';
import { startUpstash } from '../../helpers/upstash-server.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

const run = (...args: readonly string[]) => lambdesqueHere(args, { REDIS_URL: redis.url });
/** With `--json`: each line is an object. */
const objects = async (...args: readonly string[]) => {
  const { code, stdout } = await run(...args, '--json');
  const lines = stdout.split('\n').filter(Boolean);
  return { code, found: lines.map((line) => JSON.parse(line) as Record<string, unknown>), stdout };
};

const job = (name: string, args: string, id?: string) =>
  `{"class":"${name}","args":${args}${id === undefined ? '' : `,"id":"${id}"`}}`;
const BIG = '12345678901234567890';

async function entry(name: string, error: string, payload = job(name, '[1]'), at?: number): Promise<string> {
  const time = new Date(at ?? (await serverTime(redis.client))).toISOString();
  return `{"failed_at":"${time}","payload":${payload},"exception":"RuntimeError","error":"${error}","backtrace":["a.rb:1"],"worker":"h:1:q","queue":"mail"}`;
}

describe('queues', () => {
  test('are listed, shown, paused, moved, cleared and removed', async () => {
    await push(redis.client, 'mail', job('Hello', `[${BIG}]`), job('Hello', '[2]'));
    const table = await run('queues');
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(
      /^queue +jobs +oldest +running +in\/min +out\/min +failed\/min +workers\n {0}mail +2 /,
    );
    expect(await objects('queues')).toMatchObject({ code: 0, found: [{ name: 'mail', size: 2, paused: false }] });

    const page = await run('queues', 'show', 'mail', '--limit', '1', '--json');
    expect(page.stdout).toContain(`"args":[${BIG}]`);
    const [, cursor = ''] = /--cursor '([^']+)'/.exec(page.stderr) ?? [];
    expect(await objects('queues', 'show', 'mail', '--cursor', cursor)).toMatchObject({
      code: 0,
      found: [{ args: [2] }],
    });
    expect(await objects('queues', 'show', 'mail', '--limit', '1', '--all')).toMatchObject({
      found: [{}, { args: [2] }],
    });

    expect(await run('queues', 'pause', 'mail', 'other')).toMatchObject({
      code: 0,
      stdout: 'Paused: mail\nPaused: other\n',
    });
    expect((await redis.client.smembers('resque:queues:paused')).sort()).toEqual(['mail', 'other']);
    expect((await run('queues')).stdout).toMatch(/mail .* paused$/m);
    expect(await run('queues', 'resume', 'mail')).toMatchObject({ code: 0, stdout: 'Resumed: mail\n' });
    expect(await run('queues', 'pause', '--all')).toMatchObject({ code: 0 });
    expect(await redis.client.get('resque:pause-all-workers')).toBe('true');
    expect(await objects('queues', 'resume', '--all')).toMatchObject({
      code: 0,
      found: [{ queue: null, paused: false }],
    });
    expect(await run('queues', 'pause')).toMatchObject({ code: 2, stderr: expect.stringContaining('--all') });

    // Without a terminal there is nobody to ask.
    expect(await run('queues', 'clear', 'mail')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await redis.client.llen('resque:queue:mail')).toBe(2);
    expect(await objects('queues', 'move', 'mail', 'later', '--yes')).toMatchObject({
      found: [{ from: 'mail', to: 'later', moved: 2 }],
    });
    expect(await queued(redis.client, 'later')).toEqual([job('Hello', `[${BIG}]`), job('Hello', '[2]')]);
    expect(await run('queues', 'move', 'mail', 'later', '--yes')).toMatchObject({ code: 1 });
    expect(await run('queues', 'clear', 'later', '--yes')).toMatchObject({
      code: 0,
      stdout: 'Removed 2 jobs of the queue later.\n',
    });
    expect(await run('queues', 'rm', 'later', '--yes')).toMatchObject({ code: 0 });
    expect(await redis.client.smembers('resque:queues')).toEqual(['mail']);
    expect(await run('queues', 'show', 'later')).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('failed', () => {
  test('is listed, grouped, found, shown, retried and removed by short names, ids and filters', async () => {
    const now = await serverTime(redis.client);
    const payload = job('Charge', `[${BIG},1.0]`, 'charge-1');
    const all = [
      await entry('Charge', 'card 4711 declined', payload, now - 7_200_000),
      await entry('Mail', 'timed out after 30 s'),
      await entry('Mail', 'timed out after 31 s'),
    ];
    await redis.client.rpush('resque:failed', ...all);

    const { code, stdout } = await run('failed');
    expect(code).toBe(0);
    const [title, newest = '', , oldest = ''] = stdout.split('\n');
    expect(title).toMatch(/^ref +failed +queue +class +args +error/);
    expect(newest).toMatch(/^2-[0-9a-f]{6} +\S.* mail +Mail +1 +RuntimeError: timed out after 31 s$/);
    expect(oldest).toMatch(/ 2 h ago +mail +Charge +12345678901234567890,/);
    expect((await run('failed', 'groups')).stdout).toMatch(/\n +2 +Mail +RuntimeError: timed out after 3[01] s/);
    expect((await objects('failed', 'days', '--days', '2')).found).toHaveLength(2);
    expect(await objects('failed', 'lists')).toMatchObject({ found: [{ name: 'failed', size: 3 }] });

    expect(await objects('failed', 'find', '--class', 'Mail', '--error', 'after 30')).toMatchObject({
      code: 0,
      found: [{ class: 'Mail' }],
    });
    expect((await objects('failed', '--since', '1h')).found).toHaveLength(2);
    expect((await objects('failed', '--until', '1h')).stdout).toContain(`"args":[${BIG},1]`);
    expect(await run('failed', '--class', 'Nope')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'No failed job matches.\n',
    });

    const ref = oldest.split(' ')[0] ?? '';
    for (const name of [ref, 'charge-1']) {
      const shown = await run('failed', 'show', name);
      expect(shown.code).toBe(0);
      for (const text of [ref, 'card 4711 declined', payload, 'a.rb:1', 'h:1:q', '2 h ago'])
        expect(shown.stdout).toContain(text);
    }
    // It stands for the same entry when others have gone before it.
    await redis.client.lpop('resque:failed');
    expect((await run('failed', 'show', newest.split(' ')[0] ?? '')).stdout).toContain('after 31 s');
    expect(await run('failed', 'show', ref)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(ref),
    });
    await redis.client.lpush('resque:failed', all[0] ?? '');

    expect(await run('failed', 'retry', 'charge-1')).toMatchObject({
      code: 0,
      stdout: 'Retried Charge, in the queue mail.\n',
    });
    expect(await queued(redis.client, 'mail')).toEqual([payload]);
    expect((await run('failed', 'show', ref)).stdout).toMatch(/^retried /m);
    expect(await objects('failed', 'retry', '--class', 'Mail')).toMatchObject({ code: 0, found: [{ retried: 2 }] });
    expect(await run('failed', 'retry', '--class', 'Mail')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--retried'),
    });
    expect(await run('failed', 'retry')).toMatchObject({ code: 2 });
    expect(await run('failed', 'retry', ref, '--all')).toMatchObject({ code: 2 });

    expect(await run('failed', 'rm', ref)).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await run('failed', 'rm', ref, '--yes')).toMatchObject({ code: 0, stdout: `Removed Charge (${ref}).\n` });
    expect(await objects('failed', 'rm', '--error', 'after 31', '--yes')).toMatchObject({ found: [{ removed: 1 }] });
    expect(await failedTexts(redis.client)).toEqual([expect.stringContaining('after 30')]);
    expect(await objects('failed', 'clear', '--yes')).toMatchObject({ found: [{ list: 'failed', removed: 1 }] });
    expect(await run('failed')).toMatchObject({ code: 0, stderr: 'Nothing has failed.\n' });
  });

  test('goes out and comes in byte by byte', async () => {
    const all = [await entry('A', 'a\u2028b \u0001'), 'no JSON', await entry('B', 'x', job('B', `[${BIG},1.0,"\\/"]`))];
    await redis.client.rpush('resque:failed', ...all, Buffer.from([0xff, 0x7b]));
    const before = await redis.client.lrangeBuffer('resque:failed', 0, -1);
    const exported = await run('failed', 'export');
    expect(exported.code).toBe(0);
    expect(await run('failed', 'export', '--class', 'Nope')).toMatchObject({ code: 1, stdout: '' });
    await redis.client.del('resque:failed');
    const { path } = freshFolder({ 'failed.jsonl': exported.stdout });
    const file = join(path, 'failed.jsonl');
    expect(await run('failed', 'import', file)).toMatchObject({
      code: 0,
      stdout: 'Added 4 entries to the list failed.\n',
    });
    expect(await redis.client.lrangeBuffer('resque:failed', 0, -1)).toEqual(before);
    expect(await run('failed', 'import', './biome.json')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Line 1'),
    });
    expect(await run('failed', 'import', './no-such-file')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('./no-such-file'),
    });
  });
});

describe('jobs and scheduled', () => {
  test('are found, shown, run, moved and removed', async () => {
    const now = await serverTime(redis.client);
    await push(redis.client, 'mail', job('Hello', `[${BIG}]`, 'a'), job('Hello', '["x"]'), job('Bye', '[1]', 'b'));
    const due = Math.floor(now / 1000) + 3_600;
    await redis.client.zadd('resque:delayed_queue_schedule', due, due);
    await redis.client.rpush(`resque:delayed:${due}`, '{"class":"Later","args":[],"queue":"mail","id":"c"}');
    await redis.client.zadd('resque:retry', now + 60_000, 'r:mail');
    await redis.client.hset(
      'resque:retry:payloads',
      'r:mail',
      `{"lambdesque":{"id":"r","attempts":2,"deaths":0},${job('Again', '[]').slice(1)}`,
    );

    expect((await objects('jobs')).found.map(({ class: name, state }) => `${name} ${state}`)).toEqual([
      'Later scheduled',
      'Again retry',
      'Hello queued',
      'Hello queued',
      'Bye queued',
    ]);
    const scheduled = await run('scheduled');
    expect(scheduled.stdout).toMatch(/scheduled +mail +Later .* in 60 min\nretry +mail +Again .* in \d+ s +2\n$/);
    expect((await objects('scheduled', '--state', 'retry')).found).toMatchObject([{ class: 'Again', attempts: 2 }]);
    expect((await objects('jobs', 'find', '--class', 'Hello', '--text', '"x"')).found).toMatchObject([{ args: ['x'] }]);
    expect(await run('jobs', 'find', '--class', 'Nope')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'No job matches.\n',
    });
    expect(await run('jobs', '--state', 'waiting')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('queued, running'),
    });

    const shown = await run('jobs', 'show', 'a');
    expect(shown.stdout).toMatch(
      new RegExp(`^state +queued\nqueue +mail\nclass +Hello\nid +a\nargs +\\[${BIG}\\]\npayload +\\{"class"`),
    );
    expect(await run('jobs', 'show', 'nope', 'b')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Bye'),
      stderr: expect.stringContaining('nope'),
    });
    expect(await run('scheduled', 'show', 'a')).toMatchObject({ code: 1, stderr: expect.stringContaining('queued') });

    expect(await objects('scheduled', 'move', 'c', '--in', '2h')).toMatchObject({
      code: 0,
      found: [{ done: 'move', id: 'c' }],
    });
    const [time] = await redis.client.zrange('resque:delayed_queue_schedule', '0', '-1');
    expect(Number(time)).toBeGreaterThan(due + 3_000);
    expect(await run('scheduled', 'move', 'c')).toMatchObject({ code: 2, stderr: expect.stringContaining('--in') });
    expect(await run('scheduled', 'run', 'c')).toMatchObject({ code: 0, stdout: 'Now in its queue: Later c.\n' });
    expect(await run('scheduled', 'run', '--class', 'Again')).toMatchObject({ code: 0 });
    expect((await queued(redis.client, 'mail')).slice(3)).toEqual([
      expect.stringContaining('Later'),
      expect.stringContaining('Again'),
    ]);
    expect(await run('scheduled')).toMatchObject({ code: 0, stdout: '', stderr: 'Nothing waits for its time.\n' });

    const place = String((await objects('jobs', '--text', '"x"')).found[0]?.['place']);
    expect(await run('jobs', 'run', place)).toMatchObject({ code: 0 });
    expect((await queued(redis.client, 'mail'))[0]).toContain('"x"');
    expect(await run('jobs', 'rm', 'b')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await run('jobs', 'rm', 'b', '--yes')).toMatchObject({ code: 0, stdout: 'Removed: Bye b.\n' });
    expect(await run('jobs', 'rm', '--class', 'Hello', '--yes')).toMatchObject({
      code: 0,
      stdout: 'Removed: 2 jobs.\n',
    });
    expect(await redis.client.llen('resque:queue:mail')).toBe(2);
    expect(await run('jobs', 'rm', '--yes')).toMatchObject({ code: 2 });
  });
});

describe('limits, paused classes, cancelled jobs', () => {
  test('a limit of a queue is set, seen and taken away; slips say what was meant', async () => {
    await push(redis.client, 'reports', job('Report', '[1]'));
    expect(await run('queues', 'limit', 'reports', '2,100/1m')).toEqual({
      code: 0,
      stdout: 'Limit of reports: 2,100/1m\n',
      stderr: '',
    });
    expect(await redis.client.hget('resque:control', 'queue:reports')).toBe('2 100 60000 -');
    expect((await run('queues')).stdout).toMatch(/reports .* limit 2,100\/1m$/m);
    expect((await run('limits')).stdout).toMatch(/^gate .*\nqueue:reports +2,100\/1m +0 +0 +0/);
    for (const [text, said] of [
      ['off', 'Did you mean none?'],
      ['0', 'Did you mean none?'],
      ['2/x', '100/1m'],
      ['two', '2,100/1m'],
      ['2,3', '2,100/1m'],
      ['1/1s,2/1s', '2,100/1m'],
    ] as const) {
      expect(await run('queues', 'limit', 'reports', text)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(said),
      });
    }
    for (const call of [
      ['limit', 'rep*', '2'],
      ['pause', 'rep*'],
    ]) {
      expect(await run('queues', ...call)).toMatchObject({ code: 2, stderr: expect.stringContaining('whole name') });
    }
    expect(await objects('queues', 'limit', 'reports', 'none')).toMatchObject({
      found: [{ queue: 'reports', limit: null }],
    });
    expect(await redis.client.exists('resque:control')).toBe(0);
  });

  test('locks are shown and freed', async () => {
    await redis.client.set('resque:unique:Report:1f', `1:aq 4:mail${job('Report', '[1]', 'a')}`, 'PX', 60_000);
    expect((await run('locks')).stdout).toMatch(/^lock .*\nReport:1f +a +Report +mail +in .* 0\n/);
    expect(await objects('locks')).toMatchObject({ found: [{ name: 'Report:1f', id: 'a', parked: 0 }] });
    expect(await run('locks', 'free', 'Report:1f', 'Report:2f')).toEqual({
      code: 1,
      stdout: 'Freed Report:1f.\n',
      stderr: 'No job holds Report:2f.\n',
    });
    expect(await run('locks')).toMatchObject({ code: 0, stderr: expect.stringContaining('No lock is held') });
  });

  test('what is parked is shown, found and released; a class is paused and resumed; a job is cancelled by its id', async () => {
    const now = await serverTime(redis.client);
    await redis.client.rpush(
      'resque:parked:class:Report/acme',
      ...[1, 2, 3].map((n) => `4:mail${job('Report', `[${n}]`, `r${n}`)}`),
    );
    await redis.client.zadd('resque:parked', now + 60_000, 'class:Report/acme');
    await redis.client.hset('resque:limit:class:Report/acme', {
      '=h:1:mail': '2',
      '=gone:1:mail': '1',
      rule: '3 - - -',
    });
    await redis.client.zadd('resque:leases', now + 60_000, 'h:1:mail');
    expect((await run('limits')).stdout).toMatch(/class:Report\/acme +3 +2 +1 +3 +in \d+ s/);
    const shown = await run('limits', 'show', 'class:Report/acme');
    expect(shown.stdout).toMatch(/^gate +class:Report\/acme\nlimit +3\ntaken +2\nworkers +2 h:1:mail\nparked +3\n/);
    expect(shown.stdout).toMatch(/Report +1 +r1/);
    expect(await objects('limits', 'show', 'class:Report/acme')).toMatchObject({
      found: [{ holders: [{ worker: 'h:1:mail', places: 2, alive: true }] }, { id: 'r1' }, { id: 'r2' }, { id: 'r3' }],
    });
    expect(await run('limits', 'show', 'Report')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('class:Report'),
    });
    expect((await objects('jobs', '--state', 'parked')).found.map(({ id }) => id)).toEqual(['r1', 'r2', 'r3']);

    expect(await run('jobs', 'cancel', 'r2', 'nope', '--reason', 'no need')).toMatchObject({
      code: 1,
      stdout: 'Discarded: r2\n',
      stderr: 'No job with the id nope waits or runs.\n',
    });
    expect(await run('jobs', 'run', 'r3')).toMatchObject({ code: 0, stdout: 'Now in its queue: Report r3.\n' });
    expect(await run('limits', 'release', 'class:Report/acme')).toMatchObject({
      code: 0,
      stdout: 'Released 1 job of class:Report/acme.\n',
    });
    expect((await queued(redis.client, 'mail')).map((text) => JSON.parse(text).id)).toEqual(['r1', 'r3']);
    expect(await run('limits', 'release', 'class:Report/acme')).toMatchObject({ code: 1 });

    expect(await run('classes')).toMatchObject({ code: 0, stderr: 'No class is paused.\n' });
    expect(await run('classes', 'pause', 'Report', 'Other')).toMatchObject({
      stdout: 'Paused: Report\nPaused: Other\n',
    });
    expect(await objects('classes')).toMatchObject({ found: [{ class: 'Other', paused: true }, { class: 'Report' }] });
    await redis.client.rpush('resque:parked:pause:Report', `4:mail${job('Report', '[4]', 'r4')}`);
    await redis.client.zadd('resque:parked', now, 'pause:Report');
    expect((await run('top', '--once')).stdout).toMatch(/ parked 1 .* paused Other, Report/);
    expect(await run('limits', 'release', 'pause:Report')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('paused. Resume'),
    });
    expect(await run('classes', 'resume', 'Report')).toMatchObject({
      stdout: 'Resumed: Report; 1 parked job back in the queue\n',
    });
    expect(await run('classes', 'pause', 'Repo*')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('whole name'),
    });
  });
});

describe('cron', () => {
  test('is written, listed, run, paused and removed', async () => {
    const set = ['cron', 'set', 'nightly', `{"cron":"0 3 * * *","class":"Report","queue":"reports","args":[${BIG}]}`];
    expect(await run(...set)).toMatchObject({ code: 0, stdout: 'Wrote the cron entry nightly.\n' });
    expect(await run('cron', 'set', 'bad', 'nope')).toMatchObject({ code: 2 });
    expect((await run('cron')).stdout).toMatch(/nightly +cron 0 3 \* \* \* UTC +Report +reports +in .* never/);
    expect(await objects('cron', 'run', 'nightly')).toMatchObject({
      code: 0,
      found: [{ name: 'nightly', id: expect.any(String) }],
    });
    expect(await queued(redis.client, 'reports')).toEqual([expect.stringContaining(`"args":[${BIG}]`)]);
    expect(await run('cron', 'pause', 'nightly')).toMatchObject({ code: 0, stdout: 'Paused nightly.\n' });
    expect((await run('cron', 'show', 'nightly')).stdout).toMatch(/^paused +yes$/m);
    expect(await run('cron', 'resume', 'nightly')).toMatchObject({ code: 0 });
    expect(await run('cron', 'run', 'nope')).toMatchObject({ code: 1, stderr: 'There is no cron entry nope.\n' });
    expect(await run('cron', 'rm', 'nightly')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await run('cron', 'rm', 'nightly', '--yes')).toMatchObject({ code: 0 });
    expect(await redis.client.hlen('resque:persistent_schedules')).toBe(0);
  });
});

describe('workers and stats', () => {
  test('are shown, and dead workers forgotten', async () => {
    const now = await serverTime(redis.client);
    const [dead, live] = ['lambdesque-dead-0123456789ab:1:q', 'lambdesque-live-0123456789ab:2:q'];
    for (const [id, ends] of [
      [dead, now - 1],
      [live, now + 600_000],
    ] as const) {
      await redis.client.sadd('resque:workers', id);
      await redis.client.zadd('resque:leases', ends, id);
      await redis.client.hset(`resque:inflight:${id}`, 'call', '1', 'lease', String(ends), '0:q', job('Hello', '[1]'));
    }
    expect((await run('workers')).stdout).toMatch(/dead +1 +q +dead .* Hello\nlive +2 +q +alive .* Hello\n$/);
    expect((await run('workers', 'show', live)).stdout).toMatch(/^lease ends +\d{4}-\d\d-\d\d \S+ UTC, in 10 min$/m);
    expect(await run('workers', 'unregister', live)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('lives'),
    });
    expect(await objects('workers', 'unregister', '--dead')).toMatchObject({ code: 0, found: [{ id: dead }] });
    expect(await queued(redis.client, 'q')).toHaveLength(1);
    expect(await run('workers', 'unregister', '--dead')).toMatchObject({ code: 1, stderr: 'No worker is dead.\n' });

    const php = 'php.example:1:q';
    await redis.client.sadd('resque:workers', php);
    expect(await run('workers', 'unregister', php)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/Nobody knows whether the worker php\.example:1:q lives.*Give --yes/s),
    });
    expect(await objects('workers', 'unregister', php, '--yes')).toMatchObject({ code: 0, found: [{ id: php }] });

    await redis.client.set('resque:stat:processed', 7);
    expect(await objects('stats')).toMatchObject({ found: [{ processed: 7, queued: 1, workers: 1, running: 1 }] });
    expect((await run('stats', 'days', '--last', '2')).stdout.split('\n')).toHaveLength(4);
    expect((await objects('stats', 'minutes', '--last', '3')).found).toHaveLength(3);
    expect(await run('stats', 'days', '--by', 'queue')).toMatchObject({ code: 0 });
    expect(await run('stats', 'days', '--last', '1000')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('90'),
    });
  });
});

test('over REST, in another namespace, with names that a terminal would obey', async () => {
  const upstash = await startUpstash(redis.url);
  try {
    const name = '\u001b[2J\u0007evil';
    await redis.client.sadd('app:queues', name);
    await redis.client.rpush(`app:queue:${name}`, job('X', '[1]'));
    await redis.client.rpush('app:failed', await entry('Mail', 'x'));
    const flags = ['--upstash-url', upstash.url, '--upstash-token', upstash.token, '--namespace', 'app'];
    const queues = await run('queues', ...flags);
    expect(queues).toMatchObject({ code: 0, stderr: '' });
    expect(queues.stdout).toContain('␛[2J␇evil');
    expect(queues.stdout).not.toContain('\u001b');
    expect(await run('failed', 'retry', '--all', ...flags)).toMatchObject({
      code: 0,
      stdout: 'Retried 1 failed job.\n',
    });
    const doctor = await run('doctor', '--json', ...flags);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toContain('"check":"undrained-queues"');
    expect(await run('top', '--once', '--json', ...flags)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"queued":2'),
    });
  } finally {
    await upstash.stop();
  }
});

test('a Redis that is away is 1, and a mistake is 2', async () => {
  const away = await run('failed', '--uri', 'redis://127.0.0.1:1');
  expect(away).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('127.0.0.1:1') });
  expect(await run('failed', '--limit', '0')).toMatchObject({ code: 2 });
  expect(await run('failed', '--since', 'soon')).toMatchObject({ code: 2, stderr: expect.stringContaining('30s') });
  expect(await run('failed', '--cursor', 'x')).toMatchObject({ code: 2 });
  expect(await run('queues', 'list', '--jsn')).toMatchObject({ code: 2, stderr: expect.stringContaining('--json') });
});

describe('flows', () => {
  test('are listed, shown as a tree, cancelled and retried', async () => {
    const key = (name: string) => `resque:flow:f1${name}`;
    const record = {
      state: 'failed',
      name: 'sums',
      queues: '["q"]',
      created: await serverTime(redis.client),
      keep: 86_400_000,
    };
    const counts = {
      active: 0,
      steps: 2,
      succeeded: 1,
      failed: 1,
      stopped: '0.1',
      blocked: '',
      head: ',"flow":{"id":"f1","step":"',
      tail: '"}',
      limits: '',
    };
    const error = '{"step":"0.1","class":"Sub","exception":"Error","error":"no"}';
    await redis.client.hset(key(''), { ...record, ...counts, error });
    const text = (name: string) => `s s 1 0\n{"class":"${name}","args":[1\n],"id":"x","queue_time":`;
    await redis.client.hset(key(':nodes'), { '0': 'c 2', '0.0': text('Add'), '0.1': text('Sub') });
    await redis.client.hset(key(':states'), { '0.0': 'ok', 'r:0.0': '20', '0.1': 'f', 'e:0.1': error });
    const entry = `${record.created}:f1`;
    await redis.client.zadd('resque:flows', 0, `all:${entry}`, 0, `failed:${entry}`);

    expect((await run('flows')).stdout).toMatch(/^flow .*\nf1 +sums +failed +1\/2 +1 +now/);
    expect((await run('flows', '--state', 'failed')).stdout).toMatch(/^flow .*\nf1 +sums +failed /);
    expect((await run('flows', '--state', 'running')).stdout).toBe('');
    expect(await run('flows', '--state', 'late')).toMatchObject({ code: 2 });
    const { stdout } = await run('flows', 'show', 'f1');
    expect(stdout).toMatch(/steps +2: 1 succeeded, 1 failed, 0 started/);
    expect(stdout).toMatch(/tree +✗ chain of 2 {2}0\n +✓ Add {2}0\.0 → 20\n +✗ Sub {2}0\.1 Error: no/);
    expect(await objects('flows', 'show', 'f1')).toMatchObject({
      found: [{ id: 'f1', tree: { nodes: [{ result: 20 }, {}] } }],
    });
    expect(await run('flows', 'retry', 'f1')).toMatchObject({ code: 0, stdout: '1 step of f1 run again.\n' });
    expect(await redis.client.llen('resque:queue:q')).toBe(1);
    expect(await run('flows', 'retry', 'f1')).toMatchObject({ code: 1 });
    expect(await run('flows', 'cancel', 'f1')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await run('flows', 'cancel', 'f1', '--yes')).toMatchObject({ code: 0, stdout: 'Cancelled f1.\n' });
    expect(await run('flows', 'show', 'nothing')).toMatchObject({ code: 1 });
  });
});
