import { describe, expect, test } from 'vitest';
import { Attempt } from '../../../shared/worker/attempt.ts';
import { WorkingOn } from '../../../shared/worker/working-on.ts';
import { attemptDeps, boundTo, rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const START = Date.UTC(2026, 10, 20, 20, 29, 37);

/** An attempt that started so many ms after START. */
function attempt(after = 0, queue = 'myqueue'): Attempt {
  const setting = attemptDeps({ clock: new ManualClock(START + after) });
  return new Attempt(
    boundTo(() => {}, { raw: rawJob('{}', { queue }) }),
    setting,
    () => {},
  );
}

test('nothing runs: nothing to show, at no time', () => {
  const showcase = new WorkingOn();
  expect(showcase.dueAt(undefined)).toBe(Infinity);
  expect(showcase.plan(undefined, START)).toEqual({});
});

describe('a job', () => {
  test('is shown when it has run for a second', () => {
    const showcase = new WorkingOn();
    const oldest = attempt();
    expect(showcase.dueAt(oldest)).toBe(START + 1_000);
    expect(showcase.plan(oldest, START + 999)).toEqual({});
    expect(showcase.plan(oldest, START + 1_000)).toEqual({
      workingOn: {
        raw: oldest.bound.job.raw,
        head: '{"queue":"myqueue","run_at":"2026-11-20T20:29:37Z","payload":',
        tail: '}',
      },
    });
  });

  test('is shown once', () => {
    const showcase = new WorkingOn();
    const oldest = attempt();
    showcase.plan(oldest, START + 1_000);
    expect(showcase.dueAt(oldest)).toBe(Infinity);
    expect(showcase.plan(oldest, START + 9_000)).toEqual({});
  });

  test('is taken out when it has ended, once', () => {
    const showcase = new WorkingOn();
    showcase.plan(attempt(), START + 1_000);
    expect(showcase.plan(undefined, START + 2_000)).toEqual({ workingOn: null });
    expect(showcase.plan(undefined, START + 3_000)).toEqual({});
  });

  test('is taken out for one that has not run for a second; that one is shown when it has', () => {
    const showcase = new WorkingOn();
    const next = attempt(1_500);
    showcase.plan(attempt(), START + 1_000);
    expect(showcase.plan(next, START + 2_000)).toEqual({ workingOn: null });
    expect(showcase.dueAt(next)).toBe(START + 2_500);
    expect(showcase.plan(next, START + 2_500)).toMatchObject({ workingOn: { raw: next.bound.job.raw } });
  });

  test('gives way to one that has run for a second too', () => {
    const showcase = new WorkingOn();
    const next = attempt(500);
    showcase.plan(attempt(), START + 1_000);
    expect(showcase.plan(next, START + 2_000)).toMatchObject({
      workingOn: { raw: next.bound.job.raw, head: expect.stringContaining('"run_at":"2026-11-20T20:29:37Z"') },
    });
  });

  test('that was short is not shown, nor taken out', () => {
    const showcase = new WorkingOn();
    expect(showcase.plan(attempt(), START + 10)).toEqual({});
    expect(showcase.plan(undefined, START + 20)).toEqual({});
  });

  test('has its queue in JSON', () => {
    const { workingOn } = new WorkingOn().plan(attempt(0, 'a"b\\Zoë'), START + 1_000);
    expect(JSON.parse(`${workingOn?.head}{}${workingOn?.tail}`)).toEqual({
      queue: 'a"b\\Zoë',
      run_at: '2026-11-20T20:29:37Z',
      payload: {},
    });
  });
});

test('after a lost lease, which took the record away, it is shown anew', () => {
  const showcase = new WorkingOn();
  const oldest = attempt();
  showcase.plan(oldest, START + 1_000);
  showcase.forget();
  expect(showcase.plan(undefined, START + 1_500)).toEqual({});
  expect(showcase.plan(oldest, START + 2_000)).toMatchObject({ workingOn: { raw: oldest.bound.job.raw } });
});
