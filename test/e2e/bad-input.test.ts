import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { badInputs } from '../helpers/bad-input.ts';
import { PATIENCE } from '../helpers/eventually.ts';
import { JobLog } from '../helpers/job-log.ts';
import { expectIdle, type FailedEntry, failedTexts, payloads, push } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { startUpstash, type UpstashServer } from '../helpers/upstash-server.ts';
import { JOBS, jsonLines, type LogLine, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: 2 * PATIENCE });

const rows = badInputs.map((input, i) => ({ ...input, queue: `row-${i}` }));

describe.each(['TCP', 'Upstash REST'])('over %s', (backend) => {
  let redis: TestRedis;
  let upstash: UpstashServer | undefined;
  let log: JobLog;
  let lines: LogLine[];
  let output: string;
  let entries: string[];

  /** All of it in one run: each payload between two others. */
  beforeAll(async () => {
    redis = await startRedis();
    log = new JobLog();
    for (const { queue, bytes } of rows) {
      const [before = '', after = ''] = payloads('Note', [`${queue}-before`, `${queue}-after`]);
      await push(redis.client, queue, before, bytes, after);
    }
    let server = ['--uri', redis.url];
    if (backend !== 'TCP') {
      upstash = await startUpstash(redis.url);
      server = ['--upstash-url', upstash.url, '--upstash-token', upstash.token];
    }
    const args = ['work', '--queues', '*', '--exit-on-complete', '--jobs', JOBS, ...server];
    const ended = await lambdesque(args, { env: { JOB_LOG: log.folder } }).ended;
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    output = ended.stdout;
    lines = jsonLines(output);
    entries = await failedTexts(redis.client);
  });

  afterAll(async () => {
    log.remove();
    await upstash?.stop();
    await redis.stop();
  });

  const entryOf = (queue: string) =>
    entries.filter((text) => text.endsWith(`,"queue":"${queue}"}`) || text.includes(`,"queue":"${queue}",`));

  test.each(rows.filter((row) => row.fails))(
    '$what: in the failed list, byte for byte',
    ({ queue, bytes, fails, asText }) => {
      const [text = '', ...others] = entryOf(queue);
      expect(others).toEqual([]);
      const entry = JSON.parse(text) as FailedEntry;
      expect(entry).toMatchObject({
        queue,
        exception: fails?.exception,
        error: expect.stringMatching(fails?.error ?? ''),
      });
      expect(Date.parse(entry.failed_at)).not.toBeNaN();
      expect(typeof entry.worker).toBe('string');
      expect(Array.isArray(entry.backtrace)).toBe(true);
      if (!asText) {
        expect(text.includes(`"payload":${bytes},"exception":`), 'the payload as it came').toBe(true);
      } else if (typeof bytes === 'string') {
        expect(entry.payload).toBe(bytes);
      } else {
        expect(entry.payload).toBe(bytes.toString());
        expect(entry.payload_base64).toBe(bytes.toString('base64'));
      }
      const runs = lines.filter((line) => line.queue === queue && line.outcome === 'failed');
      expect(runs, 'tried once').toHaveLength(1);
    },
  );

  test.each(rows.filter((row) => !row.fails))('$what: runs', ({ queue, inspected }) => {
    expect(entryOf(queue)).toEqual([]);
    const line = lines.find((one) => one.queue === queue && one.msg === 'inspected');
    expect(line).toMatchObject({ polluted: [], ...inspected });
  });

  test('the jobs before and after each of them run, and once', () => {
    const neighbours = rows.flatMap(({ queue }) => [`${queue}-before`, `${queue}-after`]);
    expect(log.names.filter((name) => name.startsWith('row-')).sort()).toEqual(neighbours.sort());
  });

  test('nothing is left over, to be retried or held', async () => {
    await expectIdle(redis.client, ...rows.map((row) => row.queue));
    expect(entries).toHaveLength(rows.filter((row) => row.fails).length);
    const ran = rows.filter((row) => !row.fails).length;
    expect(lines.at(-1)).toMatchObject({ msg: 'summary', succeeded: 2 * rows.length + ran, retried: 0, lost: 0 });
  });

  test('the log says for each what was wrong, and quotes no payload', () => {
    for (const { queue, fails } of rows) {
      const line = lines.find((one) => one.queue === queue && one.outcome === 'failed');
      expect(line?.error ?? '').toMatch(fails?.error.source.startsWith('^') ? fails.exception : (fails?.error ?? /^$/));
    }
    expect(output.length).toBeLessThan(200_000);
    expect(output).not.toContain('there');
  });
});
