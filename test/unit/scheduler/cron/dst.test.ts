import { describe, expect, test } from 'vitest';
import { cronTiming, everyTiming } from '../../../../shared/scheduler/cron/timing.ts';

/** Days with 23 and 25 hours (in Lord Howe 23½ and 24½), all of 2026. */
const CHANGES = [
  { zone: 'Europe/Paris', at: '2026-03-29T01:00Z', kind: 'gap', from: '02:00', to: '03:00' },
  { zone: 'Europe/Paris', at: '2026-10-25T01:00Z', kind: 'doubled', from: '02:00', to: '03:00' },
  { zone: 'America/New_York', at: '2026-03-08T07:00Z', kind: 'gap', from: '02:00', to: '03:00' },
  { zone: 'America/New_York', at: '2026-11-01T06:00Z', kind: 'doubled', from: '01:00', to: '02:00' },
  { zone: 'Australia/Lord_Howe', at: '2026-10-03T15:30Z', kind: 'gap', from: '02:00', to: '02:30' },
  { zone: 'Australia/Lord_Howe', at: '2026-04-04T15:00Z', kind: 'doubled', from: '01:30', to: '02:00' },
] as const;
type Change = (typeof CHANGES)[number];

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

/** The slots of two days around the change, in UTC. */
function slots(expression: string, { zone, at }: Pick<Change, 'zone' | 'at'>): string[] {
  const timing = cronTiming(expression, zone, 'cron');
  const end = Date.parse(at) + DAY;
  const found: string[] = [];
  for (
    let slot = timing.next(Date.parse(at) - DAY, 0);
    slot !== undefined && slot <= end;
    slot = timing.next(slot, 0)
  ) {
    found.push(short(slot));
  }
  return found;
}

/** The same with `latest`, of the hours around the change: asked more often than the slots of this test come. */
function expectSeen(expected: readonly string[], expression: string, { zone, at }: Change): void {
  const timing = cronTiming(expression, zone, 'cron');
  const start = Date.parse(at) - 4 * 60 * MINUTE;
  const end = start + 9 * 60 * MINUTE;
  const found = new Set<number>();
  for (let time = start; time <= end; time += 5 * MINUTE) {
    const slot = timing.latest(time, start);
    if (slot !== undefined) found.add(slot);
  }
  expect([...found].map(short)).toEqual(expected.filter((slot) => slot > short(start) && slot <= short(end)));
}

const short = (time: number) => new Date(time).toISOString().slice(5, 16);

/** Each minute of the two days and what the clocks on the wall show: found by asking Intl, not by arithmetic. */
function wall({ zone, at }: Change): { time: number; date: string; clock: string }[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  // A day more at both ends, so that no day of interest is cut.
  return Array.from({ length: 4 * 1_440 }, (_, i) => {
    const time = Date.parse(at) - 2 * DAY + i * MINUTE;
    const [date = '', clock = ''] = format.format(time).split(' ');
    return { time, date, clock };
  });
}

const within = ({ at }: Change, times: readonly number[]) =>
  times.filter((time) => time > Date.parse(at) - DAY && time <= Date.parse(at) + DAY).map(short);

/** Fixed times: on each day the first minute that shows one, or if none does the first after it. */
function fixedTimes(change: Change, clocks: readonly string[]): string[] {
  const days = Map.groupBy(wall(change), ({ date }) => date);
  const times = [...days.values()].flatMap((minutes) =>
    clocks.map(
      (wanted) => (minutes.find(({ clock }) => clock === wanted) ?? minutes.find(({ clock }) => clock > wanted))?.time,
    ),
  );
  const rising = [...new Set(times.filter((time) => time !== undefined))].sort((a, b) => a - b);
  return within(change, rising);
}

/** Intervals: each minute that shows a matching time, as often as it comes. */
const intervals = (change: Change, matches: (hour: number, minute: number) => boolean) =>
  within(
    change,
    wall(change)
      .filter(({ clock }) => matches(Number(clock.slice(0, 2)), Number(clock.slice(3))))
      .map(({ time }) => time),
  );

describe.each(CHANGES)('$zone at $at ($kind from $from to $to)', (change) => {
  test.each([
    ['0 0 * * *', '00:00'],
    ['0 1 * * *', '01:00'],
    ['15 1 * * *', '01:15'],
    ['30 1 * * *', '01:30'],
    ['45 1 * * *', '01:45'],
    ['0 2 * * *', '02:00'],
    ['15 2 * * *', '02:15'],
    ['30 2 * * *', '02:30'],
    ['45 2 * * *', '02:45'],
    ['0 3 * * *', '03:00'],
    ['0 12 * * *', '12:00'],
    ['0 30 2 * * *', '02:30'],
  ])('the fixed time %s comes once a day', (expression, clock) => {
    const expected = fixedTimes(change, [clock]);
    expect(slots(expression, change)).toEqual(expected);
    expectSeen(expected, expression, change);
  });

  test.each([
    ['0 2,14 * * *', ['02:00', '14:00']],
    ['30 1,13 * * *', ['01:30', '13:30']],
    ['15,45 2 * * *', ['02:15', '02:45']],
    ['30 1,2,3 * * *', ['01:30', '02:30', '03:30']],
  ])('the fixed times %s come once a day each', (expression, clocks) => {
    const expected = fixedTimes(change, clocks);
    expect(slots(expression, change)).toEqual(expected);
    expectSeen(expected, expression, change);
  });

  test.each<[string, (hour: number, minute: number) => boolean]>([
    ['0 * * * *', (_hour, minute) => minute === 0],
    ['45 * * * *', (_hour, minute) => minute === 45],
    ['*/15 * * * *', (_hour, minute) => minute % 15 === 0],
    ['*/20 1-2 * * *', (hour, minute) => minute % 20 === 0 && (hour === 1 || hour === 2)],
    ['15 */2 * * *', (hour, minute) => minute === 15 && hour % 2 === 0],
    ['@hourly', (_hour, minute) => minute === 0],
  ])('the interval %s comes whenever the clocks show it', (expression, matches) => {
    const expected = intervals(change, matches);
    expect(slots(expression, change)).toEqual(expected);
    expectSeen(expected, expression, change);
  });

  test('an interval that is no expression does not care', () => {
    const timing = everyTiming(90 * MINUTE);
    const start = Date.parse(change.at) - DAY;
    for (let slot = timing.next(start, 0) ?? 0; slot < start + 2 * DAY; slot += 90 * MINUTE) {
      expect(timing.next(slot, 0)).toBe(slot + 90 * MINUTE);
    }
  });
});

/** The same in plain words, lest the reference above be as wrong as the code. */
describe('by hand', () => {
  const paris = { spring: CHANGES[0], autumn: CHANGES[1] };
  const newYork = { spring: CHANGES[2], autumn: CHANGES[3] };
  const lordHowe = { spring: CHANGES[4], autumn: CHANGES[5] };

  test.each<[string, Change, string, string[]]>([
    ['02:30 in Paris is 03:00 in spring', paris.spring, '30 2 * * *', ['03-28T01:30', '03-29T01:00', '03-30T00:30']],
    ['02:30 in Paris is the first one in autumn', paris.autumn, '30 2 * * *', ['10-24T00:30', '10-25T00:30']],
    [
      '02:30 in New York is 03:00 in spring',
      newYork.spring,
      '30 2 * * *',
      ['03-07T07:30', '03-08T07:00', '03-09T06:30'],
    ],
    ['01:30 in New York is the first one in autumn', newYork.autumn, '30 1 * * *', ['10-31T05:30', '11-01T05:30']],
    [
      '02:15 on Lord Howe is 02:30 in spring',
      lordHowe.spring,
      '15 2 * * *',
      ['10-02T15:45', '10-03T15:30', '10-04T15:15'],
    ],
    ['01:45 on Lord Howe is the first one in autumn', lordHowe.autumn, '45 1 * * *', ['04-03T14:45', '04-04T14:45']],
  ])('%s', (_what, change, expression, expected) => {
    const start = Date.parse(change.at) - DAY;
    expect(slots(expression, change)).toEqual(expected.filter((slot) => Date.parse(`2026-${slot}Z`) > start));
  });

  test.each<[Change, number]>([
    [paris.spring, 46],
    [paris.autumn, 50],
    [newYork.spring, 46],
    [newYork.autumn, 50],
    [lordHowe.spring, 47],
    [lordHowe.autumn, 49],
  ])('the day of $at in $zone has half hours enough for its length', (change, count) => {
    const days = Map.groupBy(wall(change), ({ date }) => date);
    const [day] = [...days.values()].filter((minutes) => minutes.some(({ time }) => time === Date.parse(change.at)));
    const timing = cronTiming('*/30 * * * *', change.zone, 'cron');
    const [first, last] = [day?.[0]?.time ?? 0, day?.at(-1)?.time ?? 0];
    let found = 0;
    for (let slot = timing.next(first - 1, 0); slot !== undefined && slot <= last; slot = timing.next(slot, 0)) found++;
    expect(found).toBe(count);
  });

  test('a midnight that does not exist is the first minute of the day (Cairo)', () => {
    expect(slots('@daily', { zone: 'Africa/Cairo', at: '2026-04-23T22:00Z' } as unknown as Change)).toEqual([
      '04-23T22:00',
      '04-24T21:00',
    ]);
  });
});
