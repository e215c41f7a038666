import { describe, expect, test } from 'vitest';
import { dueSlots, MISSED_AFTER_MS, MOST_MISSED } from '../../../../shared/scheduler/cron/due-slots.ts';
import { cronTiming, everyTiming, type Timing } from '../../../../shared/scheduler/cron/timing.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A whole hour. */
const START = Date.UTC(2026, 10, 20, 20);

const hourly = everyTiming(HOUR);
const due = (
  missed: 'latest' | 'skip' | 'all',
  now: number,
  { since = START, last, timing = hourly }: OmitUndefined = {},
) => dueSlots({ timing, missed }, since, last, now).map((slot) => (slot - START) / HOUR);

interface OmitUndefined {
  readonly since?: number;
  readonly last?: number;
  readonly timing?: Timing;
}

/** A timing that counts how often it is asked. */
function counted(timing: Timing): { readonly timing: Timing; readonly asked: () => number } {
  let asked = 0;
  const count = <T>(answer: T): T => {
    asked++;
    return answer;
  };
  return {
    timing: {
      fingerprint: timing.fingerprint,
      next: (time, since) => count(timing.next(time, since)),
      latest: (time, since) => count(timing.latest(time, since)),
    },
    asked: () => asked,
  };
}

describe.each(['latest', 'skip', 'all'] as const)('missed: %s', (missed) => {
  test('a slot is due at its time, and once it is claimed no more', () => {
    expect(due(missed, START + HOUR - 1)).toEqual([]);
    expect(due(missed, START + HOUR)).toEqual([1]);
    expect(due(missed, START + HOUR, { last: START + HOUR })).toEqual([]);
    expect(due(missed, START + HOUR + 30_000, { last: START + HOUR })).toEqual([]);
    expect(due(missed, START + 2 * HOUR, { last: START + HOUR })).toEqual([2]);
  });

  test('a new entry never fires for the past', () => {
    expect(due(missed, START, { since: START })).toEqual([]);
    expect(due(missed, START + 59 * MINUTE, { since: START })).toEqual([]);
    expect(due(missed, START + 5 * MINUTE, { since: START + 5 * MINUTE })).toEqual([]);
    expect(due(missed, START, { since: START, timing: cronTiming('0 * * * *', 'UTC', 'cron') })).toEqual([]);
  });

  test('a changed entry fires for no time before its change, whenever the last slot was', () => {
    const changed = START + 10 * HOUR + MINUTE;
    expect(due(missed, changed, { since: changed, last: START })).toEqual([]);
    expect(due(missed, START + 11 * HOUR, { since: changed, last: START })).toEqual([11]);
  });

  test('a slot that another clock claimed ahead of time is not due again', () => {
    expect(due(missed, START + HOUR + 5_000, { last: START + 2 * HOUR })).toEqual([]);
  });
});

describe('slots that passed while no scheduler ran', () => {
  const now = START + 5 * HOUR + 30 * MINUTE;

  test('latest: only the newest', () => {
    expect(due('latest', now, { last: START })).toEqual([5]);
    expect(due('latest', now)).toEqual([5]);
  });

  test('skip: none that is older than a minute', () => {
    expect(due('skip', now, { last: START })).toEqual([]);
    expect(due('skip', START + 5 * HOUR + MISSED_AFTER_MS, { last: START })).toEqual([5]);
    expect(due('skip', START + 5 * HOUR + MISSED_AFTER_MS + 1, { last: START })).toEqual([]);
  });

  test('all: each of them, in time order', () => {
    expect(due('all', now, { last: START })).toEqual([1, 2, 3, 4, 5]);
    expect(due('all', now, { last: START + 2 * HOUR })).toEqual([3, 4, 5]);
    expect(due('all', now)).toEqual([1, 2, 3, 4, 5]);
  });

  test('all: no more than the newest thousand', () => {
    expect(MOST_MISSED).toBe(1_000);
    const many = due('all', START + 5_000 * HOUR, { last: START });
    expect(many).toHaveLength(1_000);
    expect([many[0], many.at(-1)]).toEqual([4_001, 5_000]);
    expect(due('all', START + 1_000 * HOUR, { last: START })).toHaveLength(1_000);
  });

  test('all: costs no more after a month than the slots that it gives', () => {
    const { timing, asked } = counted(everyTiming(1_000));
    expect(dueSlots({ timing, missed: 'all' }, START, START, START + 30 * 24 * HOUR)).toHaveLength(1_000);
    expect(asked()).toBeLessThanOrEqual(2 * MOST_MISSED);
  });

  test.each(['latest', 'skip'] as const)('%s: costs the same however long it was', (missed) => {
    const { timing, asked } = counted(everyTiming(1_000));
    dueSlots({ timing, missed }, START, START, START + 30 * 24 * HOUR);
    expect(asked()).toBeLessThanOrEqual(2);
  });

  test('all: of a cron expression too, over a change of the clocks', () => {
    const timing = cronTiming('30 2 * * *', 'Europe/Paris', 'cron');
    const slots = dueSlots({ timing, missed: 'all' }, 0, Date.UTC(2026, 9, 23, 12), Date.UTC(2026, 9, 27, 12));
    expect(slots.map((slot) => new Date(slot).toISOString().slice(5, 16))).toEqual([
      '10-24T00:30',
      '10-25T00:30',
      '10-26T01:30',
      '10-27T01:30',
    ]);
  });
});
