import { describe, expect, test } from 'vitest';
import { nextMinute, STAY_MS, wakeAfter, wakeBefore } from '../../../shared/scheduler/on-demand.ts';

const AT = (time: string) => Date.parse(`2026-11-20T${time}Z`);
const shown = (ms: number) => new Date(ms).toISOString().slice(11, 19);

describe('an alarm, which goes off within the minute that begins at its time,', () => {
  test.each([
    // now, due, alarm
    ['20:00:00', '23:30:00', '23:29:00'],
    ['20:00:00', '23:30:59', '23:29:00'],
    ['20:00:00', '20:03:10', '20:02:00'],
    ['20:00:30', '20:01:00', '20:01:00'],
    ['20:00:59', '20:01:00', '20:02:00'],
    ['20:00:59', '20:00:00', '20:02:00'],
  ])('at %s for what is due at %s is set to %s', (now, due, alarm) => {
    expect(shown(wakeBefore(AT(due), AT(now)))).toBe(alarm);
  });

  test.each([
    ['20:00:00', '20:10:00', '20:10:00'],
    ['20:00:00', '20:10:01', '20:11:00'],
    ['20:00:59', '20:00:59', '20:02:00'],
  ])('at %s for what can be seen from %s on is set to %s', (now, time, alarm) => {
    expect(shown(wakeAfter(AT(time), AT(now)))).toBe(alarm);
  });

  test('is never set for a minute that is about to begin', () => {
    expect(shown(nextMinute(AT('20:00:50')))).toBe('20:01:00');
    expect(shown(nextMinute(AT('20:00:51')))).toBe('20:02:00');
  });

  test('comes in time for whatever a run does not stay for', () => {
    for (let second = 0; second < 60; second++) {
      const now = AT('20:00:00') + second * 1_000;
      const due = now + STAY_MS;
      expect(wakeBefore(due, now) + 60_000).toBeLessThanOrEqual(due);
    }
  });
});
