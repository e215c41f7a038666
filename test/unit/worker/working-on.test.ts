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
  const workingOn = new WorkingOn();
  expect(workingOn.dueAt(undefined)).toBe(Infinity);
  expect(workingOn.plan(undefined, START, 0, false)).toEqual({});
});

describe('a job', () => {
  test('is shown when it has run for a second', () => {
    const workingOn = new WorkingOn();
    const oldest = attempt();
    expect(workingOn.dueAt(oldest)).toBe(START + 1_000);
    expect(workingOn.plan(oldest, START + 999, 0, false)).toEqual({});
    expect(workingOn.plan(oldest, START + 1_000, 0, false)).toEqual({
      workingOn: {
        raw: oldest.bound.job.raw,
        marked: false,
        head: '{"queue":"myqueue","run_at":"2026-11-20T20:29:37Z","payload":',
        tail: '}',
      },
    });
  });

  test("is shown with the time of its start on Redis's clock, however wrong ours is", () => {
    const oldest = attempt();
    const { workingOn } = new WorkingOn().plan(oldest, START + 1_000, -61_000, false);
    expect(workingOn?.head).toContain('"run_at":"2026-11-20T20:28:36Z"');
  });

  test.each([true, false])('is told to be an at-most-once one that may have started: %s', (marked) => {
    expect(new WorkingOn().plan(attempt(), START + 1_000, 0, marked)).toMatchObject({ workingOn: { marked } });
  });

  test('is not shown where its payload would end the pages of Ruby', () => {
    const setting = attemptDeps({ clock: new ManualClock(START) });
    const job = { raw: rawJob('{}'), payload: '{"class":"F","args":["\\ud83d"]}' };
    const oldest = new Attempt(
      boundTo(() => {}, job),
      setting,
      () => {},
    );
    const workingOn = new WorkingOn();
    expect(workingOn.plan(oldest, START + 1_000, 0, false)).toEqual({ workingOn: null });
    expect(workingOn.dueAt(oldest)).toBe(Infinity);
  });

  test('is shown once', () => {
    const workingOn = new WorkingOn();
    const oldest = attempt();
    workingOn.plan(oldest, START + 1_000, 0, false);
    expect(workingOn.dueAt(oldest)).toBe(Infinity);
    expect(workingOn.plan(oldest, START + 9_000, 0, false)).toEqual({});
  });

  test('is taken out when it has ended, once', () => {
    const workingOn = new WorkingOn();
    workingOn.plan(attempt(), START + 1_000, 0, false);
    expect(workingOn.plan(undefined, START + 2_000, 0, false)).toEqual({ workingOn: null });
    expect(workingOn.plan(undefined, START + 3_000, 0, false)).toEqual({});
  });

  test('is taken out for one that has not run for a second; that one is shown when it has', () => {
    const workingOn = new WorkingOn();
    const next = attempt(1_500);
    workingOn.plan(attempt(), START + 1_000, 0, false);
    expect(workingOn.plan(next, START + 2_000, 0, false)).toEqual({ workingOn: null });
    expect(workingOn.dueAt(next)).toBe(START + 2_500);
    expect(workingOn.plan(next, START + 2_500, 0, false)).toMatchObject({ workingOn: { raw: next.bound.job.raw } });
  });

  test('gives way to one that has run for a second too', () => {
    const workingOn = new WorkingOn();
    const next = attempt(500);
    workingOn.plan(attempt(), START + 1_000, 0, false);
    expect(workingOn.plan(next, START + 2_000, 0, false)).toMatchObject({
      workingOn: { raw: next.bound.job.raw, head: expect.stringContaining('"run_at":"2026-11-20T20:29:37Z"') },
    });
  });

  test('that was short is not shown, nor taken out', () => {
    const workingOn = new WorkingOn();
    expect(workingOn.plan(attempt(), START + 10, 0, false)).toEqual({});
    expect(workingOn.plan(undefined, START + 20, 0, false)).toEqual({});
  });

  test('has its queue in JSON', () => {
    const { workingOn } = new WorkingOn().plan(attempt(0, 'a"b\\Zoë'), START + 1_000, 0, false);
    expect(JSON.parse(`${workingOn?.head}{}${workingOn?.tail}`)).toEqual({
      queue: 'a"b\\Zoë',
      run_at: '2026-11-20T20:29:37Z',
      payload: {},
    });
  });
});

test('after a lost lease, which took the record away, it is shown anew', () => {
  const workingOn = new WorkingOn();
  const oldest = attempt();
  workingOn.plan(oldest, START + 1_000, 0, false);
  workingOn.forget();
  expect(workingOn.plan(undefined, START + 1_500, 0, false)).toEqual({});
  expect(workingOn.plan(oldest, START + 2_000, 0, false)).toMatchObject({ workingOn: { raw: oldest.bound.job.raw } });
});
