import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { JobLog } from '../helpers/job-log.ts';
import { expectIdle, failed, inFlight, payloads, push, queued, range, tickAhead } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { JOBS, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
let log: JobLog;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  log.remove();
  await redis.client.flushall();
});
afterAll(() => redis.stop());

function work(...flags: readonly string[]) {
  log = new JobLog();
  const args = ['work', '--queues', 'work', '--jobs', JOBS, '--uri', redis.url, ...flags];
  return lambdesque(args, { env: { JOB_LOG: log.folder } });
}
const isStopping = (line: { msg: string }) => line.msg.startsWith('stopping');

test.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const)(
  '%s lets the running job end; the others go back in order',
  async (signal) => {
    const waiting = payloads('Note', range(201, 260));
    await push(redis.client, 'work', ...payloads('Note', range(1, 200)), `{"class":"Signal","args":["g","${signal}"]}`);
    await push(redis.client, 'work', ...waiting);
    const worker = work('--concurrency', '1', '--shutdown-timeout', '5m');
    await worker.line(isStopping);
    await eventually(async () => expect(await queued(redis.client, 'work')).toEqual(waiting));
    expect(await inFlight(redis.client)).toBe(1);
    log.open('g');

    expect(await worker.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(worker.lines.at(-1)).toMatchObject({ msg: 'summary', succeeded: 201, failed: 0, stopped: 'shutdown' });
    expect(await queued(redis.client, 'work')).toEqual(waiting);
    await expectIdle(redis.client);
  },
);

test('a job that runs on after --shutdown-timeout is aborted and released, with its attempt', async () => {
  await push(redis.client, 'work', ...payloads('Gate', ['g']), ...payloads('Note', [1]));
  const worker = work('--concurrency', '1', '--shutdown-timeout', '10ms');
  await eventually(() => expect(log.names).toEqual(['g']));
  worker.signal('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0 });
  expect(worker.lines).toContainEqual(expect.objectContaining({ class: 'Gate', outcome: 'released', attempt: 1 }));
  expect(await queued(redis.client, 'work')).toEqual([...payloads('Gate', ['g']), ...payloads('Note', [1])]);
  await expectIdle(redis.client);

  const next = work('--exit-on-complete');
  log.open('g');
  expect(await next.ended).toMatchObject({ code: 0 });
  expect(log.starts.map(({ name, attempt }) => `${name} ${attempt}`)).toEqual(['g 1', '1 1']);
});

test.each([
  ['that ignores the abort', '["s"]'],
  ['that ignores the abort and has timers of its own', '["s","timer"]'],
])('a handler %s is released after it, and does not keep the process', async (_name, args) => {
  await push(redis.client, 'work', `{"class":"Stubborn","args":${args}}`, ...payloads('Note', [1]));
  const worker = work('--concurrency', '1', '--shutdown-timeout', '10ms');
  await eventually(() => expect(log.names).toEqual(['s']));
  worker.signal('SIGTERM');
  await worker.line((line) => line.msg === 'summary');
  expect(await queued(redis.client, 'work')).toEqual([`{"class":"Stubborn","args":${args}}`, ...payloads('Note', [1])]);
  await expectIdle(redis.client);
  await eventually(() => expect(worker.running, 'the process').toBe(false));
  expect(await worker.ended).toMatchObject({ code: 0 });
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGQUIT', 131],
] as const)('a second %s ends the process at once with %i, and its jobs are reclaimed', async (signal, code) => {
  await push(redis.client, 'work', ...payloads('Gate', [1, 2]));
  const worker = work('--shutdown-timeout', '1h');
  await eventually(() => expect(log.names).toHaveLength(2));
  worker.signal(signal);
  await worker.line(isStopping);
  expect(worker.running).toBe(true);
  worker.signal(signal);
  expect(await worker.ended).toMatchObject({ code, signal: null });
  expect(await inFlight(redis.client)).toBe(2);
  expect(await tickAhead(redis)).toMatchObject({ reclaimed: 2 });
  expect(await queued(redis.client, 'work')).toEqual([
    expect.stringContaining('"args":[1]'),
    expect.stringContaining('"args":[2]'),
  ]);
});

test('SIGUSR1 logs what was done so far, and the worker goes on', async () => {
  await push(redis.client, 'work', ...payloads('Note', range(1, 7)), ...payloads('Gate', ['g']));
  const worker = work('--concurrency', '1');
  await eventually(() => expect(log.names.at(-1)).toBe('g'));
  worker.signal('SIGUSR1');
  const line = await worker.line((one) => one.msg === 'summary');
  expect(line).toMatchObject({ processed: 7, succeeded: 7, failed: 0, retried: 0, released: 0, lost: 0 });
  log.open('g');
  await worker.line((one) => one.class === 'Gate' && one.outcome === 'succeeded');
  worker.signal('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
  expect(worker.lines.at(-1)).toMatchObject({ msg: 'summary', succeeded: 8 });
});

test('a signal ends an idle worker at once, with 0, and nothing of it stays in Redis', async () => {
  const worker = work('--interval', '1h');
  await eventually(async () => expect(await redis.client.scard('resque:workers')).toBe(1));
  worker.signal('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0 });
  expect(await redis.client.keys('*')).toEqual([]);
});

test('promises that a handler leaves rejected are logged, and nothing else happens', async () => {
  await push(redis.client, 'work', ...payloads('Careless', [1]), ...payloads('Note', range(2, 30)));
  const worker = work('--exit-on-complete');
  expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
  expect(worker.lines.at(-1)).toMatchObject({ msg: 'summary', succeeded: 30 });
  const errors = worker.lines.filter((line) => line.level === 'error');
  expect(errors).toEqual([
    expect.objectContaining({ error: 'Error: nobody awaits this', msg: expect.stringContaining('promise') }),
    expect.objectContaining({ error: 'nor this' }),
  ]);
});

test('HUP after another signal is no second one: systemd and shells send it beside', async () => {
  await push(redis.client, 'work', ...payloads('Gate', ['g']));
  const worker = work('--shutdown-timeout', '5m');
  await eventually(() => expect(log.names).toEqual(['g']));
  worker.signal('SIGTERM');
  await worker.line(isStopping);
  worker.signal('SIGHUP');
  worker.signal('SIGUSR1');
  await worker.line((line) => line.msg === 'summary');
  log.open('g');
  expect(await worker.ended).toMatchObject({ code: 0, signal: null });
  expect(worker.lines.at(-1)).toMatchObject({ msg: 'summary', succeeded: 1 });
});

test('USR2 pauses: what runs goes on, what waits goes back; CONT resumes', async () => {
  const waiting = payloads('Note', range(1, 40));
  await push(redis.client, 'work', ...payloads('Gate', ['g']), ...waiting);
  const worker = work('--concurrency', '1', '--interval', '20ms');
  await eventually(() => expect(log.names).toEqual(['g']));
  worker.signal('SIGUSR2');
  await worker.line((line) => line.msg.startsWith('paused'));
  await eventually(async () => expect(await queued(redis.client, 'work')).toEqual(waiting));
  expect(await inFlight(redis.client)).toBe(1);
  log.open('g');
  await worker.line((line) => line.class === 'Gate' && line.outcome === 'succeeded');
  expect(await queued(redis.client, 'work')).toEqual(waiting);
  expect(worker.running).toBe(true);

  worker.signal('SIGCONT');
  await worker.line((line) => line.msg.startsWith('resumed'));
  await eventually(() => expect(log.names).toHaveLength(41));
  expect(log.names.slice(1)).toEqual(range(1, 40).map(String));

  worker.signal('SIGUSR2');
  await eventually(() => expect(worker.lines.filter((line) => line.msg.startsWith('paused'))).toHaveLength(2));
  worker.signal('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
  await expectIdle(redis.client);
});

test('CONT alone, as after a stop by the terminal, says nothing', async () => {
  const worker = work('--interval', '20ms');
  await worker.line((line) => line.msg === 'working');
  worker.signal('SIGCONT');
  worker.signal('SIGUSR1');
  await worker.line((line) => line.msg === 'summary');
  expect(worker.stdout).not.toMatch(/resumed|paused/);
});

test('an error that a handler leaves behind counts for its job, and the worker goes on', async () => {
  await push(redis.client, 'work', ...payloads('Runaway', [1]), ...payloads('Note', range(2, 30)));
  const worker = work('--interval', '20ms');
  const line = await worker.line((one) => one.level === 'error' && one.error === 'Error: thrown from a timer');
  expect(line['stack']).toMatch(/worker-jobs\.ts:\d+:\d+/);
  await eventually(() => expect(log.names).toHaveLength(30));
  worker.signal('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
});

test('an error that comes from no job ends the worker with 1, and its jobs go back', async () => {
  await push(redis.client, 'work', ...payloads('Gate', ['g']), ...payloads('Unattached', [1]));
  const worker = work('--concurrency', '2', '--shutdown-timeout', '10ms');
  await worker.line((line) => line.level === 'error' && line.error === 'Error: thrown from nowhere');
  expect(await worker.ended).toMatchObject({ code: 1 });
  expect(worker.lines.at(-1)).toMatchObject({ msg: 'summary' });
  expect(await queued(redis.client, 'work')).toEqual([expect.stringContaining('"args":["g"]')]);
  expect(await failed(redis.client)).toEqual([]);
});

describe('under npm', () => {
  /** As npx does it: a shell of npm's runs the command, and no signal is handed on. */
  const underNpm = (...flags: readonly string[]) => {
    log = new JobLog();
    const args = ['work', '--queues', 'work', '--jobs', JOBS, '--uri', redis.url, ...flags];
    const script = `"${process.execPath}" infra/local/cli.ts ${args.join(' ')}; true`;
    const env = { JOB_LOG: log.folder, npm_lifecycle_event: 'npx' };
    return lambdesque([], { command: ['/bin/sh', '-c', script], env });
  };

  test('a worker whose npm was ended drains and ends, too', async () => {
    await push(redis.client, 'work', ...payloads('Gate', ['g']), ...payloads('Note', [1]));
    const worker = underNpm('--concurrency', '1', '--shutdown-timeout', '5m');
    await eventually(() => expect(log.names).toEqual(['g']));
    worker.signal('SIGTERM');
    await worker.line(isStopping);
    log.open('g');
    await worker.line((line) => line.msg === 'summary' && line['succeeded'] === 1);
    await eventually(() => expectIdle(redis.client));
    expect(await queued(redis.client, 'work')).toEqual(payloads('Note', [1]));
  });

  test('is told to start the program itself', async () => {
    const worker = underNpm('--exit-on-complete');
    await worker.ended;
    expect(worker.lines).toContainEqual(
      expect.objectContaining({ msg: expect.stringContaining('node_modules/.bin/lambdesque') }),
    );
  });
});

describe('a worker in a program of its own', () => {
  const program = () => lambdesque([redis.url], { command: [process.execPath, 'test/helpers/worker-program.ts'] });

  test('heeds signals if it is told to, and gives back what runs', async () => {
    log = new JobLog();
    await push(redis.client, 'work', ...payloads('Wait', [1]));
    const worker = program();
    await worker.line(({ msg }) => msg === 'waits');
    worker.signal('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(worker.lines.at(-1)).toMatchObject({ msg: 'ended', released: 1, stopped: 'shutdown' });
    expect(await queued(redis.client, 'work')).toHaveLength(1);
  });

  test('ends when its event loop stands still, if it has a watchdog', async () => {
    log = new JobLog();
    await push(redis.client, 'work', ...payloads('Loop', [1]));
    const { signal, stderr } = await program().ended;
    expect(signal).toBe('SIGKILL');
    expect(stderr).toMatch(
      /^lambdesque: the event loop stood still for longer than the lease of 1 s.*Loop \(id [^)]+\)/,
    );
  });
});
