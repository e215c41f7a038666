import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { widthOf } from '../../infra/local/terminal-text.ts';
import { PATIENCE } from '../helpers/eventually.ts';
import { push } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { hasTerminals, onTerminal, workOnTerminal } from '../helpers/terminal.ts';
import { JOBS, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

const HOSTILE = String.raw`\u001b]0;owned\u0007\u001b[2J\u009b31m${'日本語'.repeat(20)}`;
const fill = () =>
  push(
    redis.client,
    'q',
    '{"class":"Note","args":["hi"],"id":"0123456789"}',
    '{"class":"Throws","args":["x","skip"]}',
    '{"class":"Throws","args":["x","retry"]}',
    `{"class":"${HOSTILE}","args":[],"id":"${HOSTILE}"}`,
    'not JSON',
  );

/** Of a run: clock, word, and the rest. */
const RUN = /^\d\d:\d\d:\d\d (succeeded|failed|retried) /;

describe.skipIf(!hasTerminals)('on a terminal', () => {
  test.each([80, 52, 132])(
    'of %s columns each run is one line that fits, with a word and a colour',
    async (columns) => {
      await fill();
      const { code, sent } = await workOnTerminal(redis.url, { columns });
      expect(code).toBe(0);
      const lines = sent.split('\n');
      const runs = lines.filter((line) => RUN.test(stripVTControlCharacters(line)));
      expect(runs).toHaveLength(5);
      for (const run of runs) expect(widthOf(stripVTControlCharacters(run))).toBeLessThanOrEqual(columns);
      const colourOf = { succeeded: 32, failed: 31, retried: 33 };
      for (const [word, colour] of Object.entries(colourOf)) {
        const run = runs.find((line) => line.includes(word));
        expect(run).toContain(`\u001b[${colour}m${word}`);
      }
      const failure = lines.findIndex((line) => /failed.*Throws/.test(stripVTControlCharacters(line)));
      expect(lines.slice(failure + 1, failure + 6).map(stripVTControlCharacters)).toContainEqual(
        expect.stringMatching(/^ {4}at .*worker-jobs\.ts:\d+:\d+/),
      );
      // Nothing but colours was sent.
      expect(sent.replace(/\p{Cc}\[\d+m/gu, '')).not.toMatch(/[^\P{Cc}\n]/u);
    },
  );

  test('a run says which attempt of how many, where there is room', async () => {
    await fill();
    const { sent } = await workOnTerminal(redis.url, { columns: 120 });
    expect(stripVTControlCharacters(sent)).toMatch(/retried {4}Throws {2}q {2}\S{8} {2}attempt 1\/\d+ {2}\S+ ms/);
  });

  test('NO_COLOR leaves the words', async () => {
    await fill();
    const { sent } = await workOnTerminal(redis.url, { columns: 80, env: { NO_COLOR: '1' } });
    expect(sent).not.toContain('\u001b');
    expect(sent).toMatch(/^\d\d:\d\d:\d\d succeeded {2}Note/m);
  });

  test.each([[], ['work'], ['enqueue']])('help fits its width: %s', async (...command) => {
    for (const columns of [80, 100]) {
      const { sent } = await onTerminal([...command, '--help'], { columns });
      for (const line of sent.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
  });
});

test('FORCE_COLOR makes no terminal of a pipe: it gets JSON', async () => {
  await fill();
  const args = ['work', '--queues', 'q', '--exit-on-complete', '--jobs', JOBS, '--uri', redis.url];
  const { stdout } = await lambdesque(args, { env: { FORCE_COLOR: '1' } }).ended;
  for (const line of stdout.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
});
