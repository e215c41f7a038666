import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../shared/errors.ts';
import {
  cronTiming,
  everyTiming,
  isTimeZone,
  remembered,
  type Timing,
} from '../../../../shared/scheduler/cron/timing.ts';
import { seededRandom } from '../../../helpers/builders.ts';

const utc = (text: string) => Date.parse(`${text}Z`);
const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString().slice(0, 19));

/** The first slots after a Friday evening. */
const FRIDAY = utc('2026-11-20T20:29:37');

function slotsAfter(timing: Timing, time: number, count: number, since = 0): (string | undefined)[] {
  const slots: (string | undefined)[] = [];
  let slot: number | undefined = time;
  for (let i = 0; i < count && slot !== undefined; i++) {
    slot = timing.next(slot, since);
    slots.push(iso(slot));
  }
  return slots;
}

const cron = (expression: string, timeZone = 'UTC') => cronTiming(expression, timeZone, 'cron entry "x": cron');

describe('every', () => {
  test('counts from the epoch, so that its phase is the same for everybody', () => {
    expect(slotsAfter(everyTiming(30_000), FRIDAY, 3)).toEqual([
      '2026-11-20T20:30:00',
      '2026-11-20T20:30:30',
      '2026-11-20T20:31:00',
    ]);
    const sevenMinutes = everyTiming(420_000);
    for (const since of [0, FRIDAY, FRIDAY - 1, FRIDAY + 12_345]) {
      expect((sevenMinutes.next(FRIDAY, since) ?? 0) % 420_000).toBe(0);
    }
  });

  test('with a wait before the first slot counts from when it was first seen', () => {
    const timing = everyTiming(3_600_000, { in: 300_000 });
    expect(slotsAfter(timing, FRIDAY, 3, FRIDAY)).toEqual([
      '2026-11-20T20:34:37',
      '2026-11-20T21:34:37',
      '2026-11-20T22:34:37',
    ]);
    expect(timing.latest(FRIDAY + 299_999, FRIDAY)).toBeUndefined();
    expect(iso(timing.latest(FRIDAY + 300_000, FRIDAY))).toBe('2026-11-20T20:34:37');
    expect(iso(timing.latest(FRIDAY + 9_000_000, FRIDAY))).toBe('2026-11-20T22:34:37');
  });

  test('with a wait longer than the interval has no slot before that wait is over', () => {
    const timing = everyTiming(60_000, { in: 600_000 });
    expect(slotsAfter(timing, FRIDAY - 3_600_000, 2, FRIDAY)).toEqual(['2026-11-20T20:39:37', '2026-11-20T20:40:37']);
    expect(timing.latest(FRIDAY + 599_999, FRIDAY)).toBeUndefined();
  });

  test('has no slot at or before the time when it was first seen', () => {
    const timing = everyTiming(30_000);
    const slot = utc('2026-11-20T20:30:00');
    expect(timing.latest(slot, slot)).toBeUndefined();
    expect(timing.latest(slot + 29_999, slot)).toBeUndefined();
    expect(timing.latest(slot, slot - 1)).toBe(slot);
  });

  test('tells timings apart by interval and first wait', () => {
    const prints = [
      everyTiming(1_000),
      everyTiming(2_000),
      everyTiming(1_000, { in: 1 }),
      everyTiming(1_000, { in: 2 }),
    ];
    expect(new Set(prints.map((one) => one.fingerprint)).size).toBe(4);
    expect(everyTiming(1_000).fingerprint).toBe(everyTiming(1_000).fingerprint);
  });
});

describe('a cron expression', () => {
  test.each([
    ['every minute', '* * * * *', ['11-20T20:30:00', '11-20T20:31:00']],
    ['every second, with six fields', '* * * * * *', ['11-20T20:29:38', '11-20T20:29:39']],
    ['a second of each minute', '15 * * * * *', ['11-20T20:30:15', '11-20T20:31:15']],
    ['a step', '*/20 * * * *', ['11-20T20:40:00', '11-20T21:00:00']],
    ['a range', '0 9-11 * * *', ['11-21T09:00:00', '11-21T10:00:00', '11-21T11:00:00', '11-22T09:00:00']],
    ['a range with a step', '0 8-18/5 * * *', ['11-21T08:00:00', '11-21T13:00:00', '11-21T18:00:00']],
    ['a list', '5,35 22 * * *', ['11-20T22:05:00', '11-20T22:35:00', '11-21T22:05:00']],
    ['names of days', '0 9 * * MON-FRI', ['11-23T09:00:00', '11-24T09:00:00']],
    ['names of days in lower case', '0 9 * * sat,sun', ['11-21T09:00:00', '11-22T09:00:00', '11-28T09:00:00']],
    ['Sunday as 0', '0 9 * * 0', ['11-22T09:00:00', '11-29T09:00:00']],
    ['Sunday as 7', '0 9 * * 7', ['11-22T09:00:00', '11-29T09:00:00']],
    ['a name of a month', '0 0 24 DEC *', ['12-24T00:00:00']],
    ['a day of the month', '30 6 1 * *', ['12-01T06:30:00']],
    ['the last day of the month', '0 0 L * *', ['11-30T00:00:00', '12-31T00:00:00']],
    ['the working day nearest to the 15th and the 22nd', '0 0 15W,22W * *', ['11-23T00:00:00', '12-15T00:00:00']],
    ['the last working day of the month', '0 0 LW * *', ['11-30T00:00:00', '12-31T00:00:00']],
    ['the second Tuesday', '0 0 * * TUE#2', ['12-08T00:00:00']],
    ['the last Friday', '0 0 * * 5#L', ['11-27T00:00:00', '12-25T00:00:00']],
    ['the 13th or a Friday, as crontab has it', '0 0 13 * FRI', ['11-27T00:00:00', '12-04T00:00:00', '12-11T00:00:00']],
    ['@hourly', '@hourly', ['11-20T21:00:00', '11-20T22:00:00']],
    ['@daily', '@daily', ['11-21T00:00:00', '11-22T00:00:00']],
    ['@midnight', '@midnight', ['11-21T00:00:00']],
    ['@weekly', '@weekly', ['11-22T00:00:00', '11-29T00:00:00']],
    ['@monthly', '@monthly', ['12-01T00:00:00']],
  ])('%s: %s', (_what, expression, slots) => {
    expect(slotsAfter(cron(expression), FRIDAY, slots.length)).toEqual(slots.map((slot) => `2026-${slot}`));
  });

  test.each(['@yearly', '@annually'])('%s', (expression) => {
    expect(slotsAfter(cron(expression), FRIDAY, 2)).toEqual(['2027-01-01T00:00:00', '2028-01-01T00:00:00']);
  });

  test('a 29 February comes when there is one', () => {
    expect(slotsAfter(cron('0 0 29 2 *'), FRIDAY, 2)).toEqual(['2028-02-29T00:00:00', '2032-02-29T00:00:00']);
    expect(iso(cron('0 0 29 2 *').latest(FRIDAY, 0))).toBe('2024-02-29T00:00:00');
  });

  test('is meant in its time zone', () => {
    expect(slotsAfter(cron('0 3 * * *', 'Europe/Paris'), FRIDAY, 1)).toEqual(['2026-11-21T02:00:00']);
    expect(slotsAfter(cron('0 3 * * *', 'America/New_York'), FRIDAY, 1)).toEqual(['2026-11-21T08:00:00']);
    expect(slotsAfter(cron('0 3 * * *', 'Asia/Kathmandu'), FRIDAY, 1)).toEqual(['2026-11-20T21:15:00']);
    expect(slotsAfter(cron('0 0 1 * *', 'Pacific/Auckland'), FRIDAY, 1)).toEqual(['2026-11-30T11:00:00']);
  });

  test('looks strictly after a time, and up to and with a time, to the millisecond', () => {
    const minutes = cron('* * * * *');
    const slot = utc('2026-11-20T20:30:00');
    expect(minutes.next(slot - 1, 0)).toBe(slot);
    expect(minutes.next(slot, 0)).toBe(slot + 60_000);
    expect(minutes.next(slot + 999, 0)).toBe(slot + 60_000);
    expect(minutes.latest(slot - 1, 0)).toBe(slot - 60_000);
    expect(minutes.latest(slot, 0)).toBe(slot);
    expect(minutes.latest(slot + 1, 0)).toBe(slot);
    expect(minutes.latest(slot + 59_999, 0)).toBe(slot);
  });

  test('has no slot at or before the time when it was first seen', () => {
    const slot = utc('2026-11-20T20:30:00');
    expect(cron('* * * * *').latest(slot + 30_000, slot)).toBeUndefined();
    expect(cron('* * * * *').latest(slot + 30_000, slot - 1)).toBe(slot);
    expect(cron('@yearly').latest(FRIDAY, utc('2026-01-01T00:00:00'))).toBeUndefined();
  });

  test('tells timings apart by expression and time zone', () => {
    expect(cron('0 3 * * *').fingerprint).toBe(cron('0 3 * * *').fingerprint);
    expect(cron('0 3 * * *').fingerprint).not.toBe(cron('0 4 * * *').fingerprint);
    expect(cron('0 3 * * *').fingerprint).not.toBe(cron('0 3 * * *', 'Europe/Paris').fingerprint);
  });

  test('in a time zone that there is not is refused, naming the field', () => {
    const make = () => cronTiming('0 3 * * *', 'Mars/Phobos', 'cron entry "x": cron');
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(
      'cron entry "x": timeZone must be an IANA time zone, such as "Europe/Paris" or "UTC"; got "Mars/Phobos".',
    );
    expect([isTimeZone('Europe/Paris'), isTimeZone('UTC'), isTimeZone('Mars/Phobos'), isTimeZone('')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('next and latest agree', () => {
  const random = seededRandom(20_261_120);
  const int = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const pick = <T>(all: readonly T[]) => all[int(0, all.length - 1)] as T;
  const value = (low: number, high: number) => {
    const [a, b] = [int(low, high), int(low, high)].sort((x, y) => x - y);
    return pick([
      '*',
      `${a}`,
      `${b}`,
      `${a}-${b}`,
      `${a},${b}`,
      `${a}-${b}/${int(2, 5)}`,
      `*/${int(2, Math.min(30, high))}`,
    ]);
  };
  const ZONES = ['UTC', 'Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Africa/Cairo'];
  const DAYS = ['*', '*', '*', '13', 'L', '15W', 'LW', '*/9', '1-7'];
  const WEEKDAYS = ['*', '*', '*', 'MON-FRI', 'SUN', '2#2', '5#L'];
  /** Near the changes of the zones' clocks, and anywhere. */
  const TIMES = ['2026-03-29T01:00', '2026-10-25T01:00', '2026-03-08T07:00', '2026-11-01T06:00', '2026-10-03T15:30'];
  TIMES.push('2026-04-04T15:00', '2026-09-06T04:00', '2026-04-05T03:00', '2026-04-23T22:00', '2026-10-29T21:00');

  const samples = Array.from({ length: 400 }, () => {
    const seconds = random() < 0.3 ? [pick(['0', '30', '*/20', '15,45'])] : [];
    const fields = [
      ...seconds,
      value(0, 59),
      value(0, 23),
      pick(DAYS),
      pick(['*', '*', '3,4,9,10,11']),
      pick(WEEKDAYS),
    ];
    const start = random() < 0.7 ? Date.parse(`${pick(TIMES)}Z`) : Date.UTC(2026, int(0, 11), int(1, 28), int(0, 23));
    return { expression: fields.join(' '), zone: pick(ZONES), start: start - int(0, 26 * 3_600_000) };
  });

  function expectAgreement(timing: Timing, start: number, since: number): void {
    let before: number | undefined;
    for (
      let slot = timing.next(start, since), i = 0;
      slot !== undefined && i < 8;
      slot = timing.next(slot, since), i++
    ) {
      expect(slot).toBeGreaterThan(before ?? start);
      expect([timing.latest(slot, since), timing.latest(slot + 400, since)]).toEqual([slot, slot]);
      if (before !== undefined) {
        const between = before + Math.floor((slot - before) / 2);
        expect([timing.latest(slot - 1, since), timing.latest(between, since)]).toEqual([before, before]);
        expect([timing.next(slot - 1, since), timing.next(between, since)]).toEqual([slot, slot]);
      }
      before = slot;
    }
  }

  test('for 400 random expressions: walking with next gives exactly the slots that latest sees', () => {
    for (const { expression, zone, start } of samples) expectAgreement(cron(expression, zone), start, 0);
  });

  test('for random intervals', () => {
    for (let i = 0; i < 200; i++) {
      const since = FRIDAY - int(0, 1_000_000);
      const wait = int(1_000, 5_000_000);
      const first = [{}, { in: wait }, { at: FRIDAY + wait }, { at: FRIDAY - 10 * wait }][i % 4];
      expectAgreement(everyTiming(int(1_000, 10_000_000), first), since + int(0, 3_000_000), since);
    }
  });
});

describe('runs that are remembered', () => {
  /** Each 100, from 1,000 to 5,000; and how often somebody has asked. */
  function scene() {
    const asked = { count: 0 };
    const slots = Array.from({ length: 41 }, (_, i) => 1_000 + i * 100);
    const runs = {
      after(time: number) {
        asked.count++;
        return slots.find((slot) => slot > time);
      },
      upTo(time: number) {
        asked.count++;
        return slots.findLast((slot) => slot <= time);
      },
    };
    return { asked, runs, remembers: remembered(runs) };
  }

  test('are those that there are, in whatever order times come', () => {
    const { runs, remembers } = scene();
    const times = Array.from({ length: 2_000 }, (_, i) => (i * 7_919) % 6_000).concat([
      1_000, 999, 1_001, 5_000, 5_001, 4_999,
    ]);
    for (const time of times) {
      expect([time, remembers.upTo(time), remembers.after(time)]).toEqual([time, runs.upTo(time), runs.after(time)]);
      expect([time, remembers.after(time - 50), remembers.upTo(time)]).toEqual([
        time,
        runs.after(time - 50),
        runs.upTo(time),
      ]);
    }
  });

  test('are worked out once between two of them', () => {
    const { asked, remembers } = scene();
    for (let time = 2_000; time < 2_100; time++)
      expect([remembers.upTo(time), remembers.after(time)]).toEqual([2_000, 2_100]);
    expect(asked.count).toBe(2);
    expect([remembers.upTo(2_100), remembers.after(2_100)]).toEqual([2_100, 2_200]);
    expect(asked.count).toBe(4);
  });
});
