import { expect, test } from 'vitest';
import { AccountLimit } from '../../../functions/scheduler/account-limit.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

function start(...answers: (number | Error)[]) {
  const clock = new ManualClock();
  const log = recordingLogger();
  let asked = 0;
  const aws = {
    async unreservedConcurrency() {
      const answer = answers[asked++] ?? 0;
      if (typeof answer === 'number') return answer;
      throw answer;
    },
  };
  return { clock, log, limit: new AccountLimit(aws, clock), asked: () => asked };
}

test('two places are left for what runs besides, and one worker runs in any account', async () => {
  for (const [limit, workers] of [
    [10, 8],
    [1_000, 998],
    [1, 1],
  ] as const) {
    expect(await start(limit).limit.workers(recordingLogger())).toBe(workers);
  }
});

test('AWS is asked again after ten minutes', async () => {
  const { limit, log, clock, asked } = start(10, 1_000);
  for (const workers of [8, 8]) expect(await limit.workers(log)).toBe(workers);
  expect(asked()).toBe(1);
  await clock.advance(600_000);
  expect(await limit.workers(log)).toBe(998);
});

test('where AWS does not say, there is no limit, which is told once', async () => {
  const denied = new Error('AccessDenied');
  const { limit, log, clock } = start(denied, denied);
  expect(await limit.workers(log)).toBe(Infinity);
  await clock.advance(600_000);
  expect(await limit.workers(log)).toBe(Infinity);
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { error: denied } }]);
});
