import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../shared/errors.ts';
import { defineJob } from '../../../../shared/job/define.ts';
import { createRegistry } from '../../../../shared/job/registry.ts';
import { type CronEntry, checkCronEntries, cronRule } from '../../../../shared/scheduler/cron/entry.ts';

const FRIDAY = Date.UTC(2026, 10, 20, 20, 29, 37);

const registry = createRegistry([
  defineJob({ class: 'Report', queue: 'reports', perform() {} }),
  defineJob({ class: 'Homeless', perform() {} }),
  defineJob({ class: 'mail:*', queue: 'mail', perform() {} }),
]);

const next = (entry: CronEntry, since = FRIDAY) => {
  const slot = cronRule('x', { queue: 'q', ...entry }).timing.next(FRIDAY, since);
  return slot === undefined ? undefined : new Date(slot).toISOString().slice(0, 19);
};

/** An entry as JSON has it: of any shape. */
const wild = (value: unknown) => value as CronEntry;

describe('defaults', () => {
  test('of an entry that gives only its time', () => {
    const { timing, ...rest } = cronRule('Report', { cron: '0 3 * * *' }, registry);
    expect(rest).toEqual({
      name: 'Report',
      class: 'Report',
      queue: 'reports',
      args: [],
      missed: 'latest',
      overlap: 'allow',
      description: undefined,
    });
    expect(timing.next(FRIDAY, 0)).toBe(Date.UTC(2026, 10, 21, 3));
  });

  test('give way to what an entry gives', () => {
    const entry = { cron: '0 3 * * *', class: 'Report', queue: 'slow', missed: 'all', overlap: 'skip' } as const;
    const { timing: _timing, ...rest } = cronRule(
      'nightly',
      { ...entry, description: 'All of it', args: [1] },
      registry,
    );
    expect(rest).toEqual({
      name: 'nightly',
      class: 'Report',
      queue: 'slow',
      args: [1],
      missed: 'all',
      overlap: 'skip',
      description: 'All of it',
    });
  });

  test('the queue is that of the class, also of a class that a prefix stands for', () => {
    expect(cronRule('x', { every: '1h', class: 'Report' }, registry).queue).toBe('reports');
    expect(cronRule('mail:weekly', { every: '1h' }, registry).queue).toBe('mail');
  });

  test.each<[string, unknown, readonly unknown[]]>([
    ['an array is the argument list', ['a', { b: 1 }], ['a', { b: 1 }]],
    ['an empty array is none', [], []],
    ['a text is one', 'a', ['a']],
    ['a hash is one', { a: 1 }, [{ a: 1 }]],
    ['zero is one', 0, [0]],
    ['false is one', false, [false]],
    ['absent is none', undefined, []],
    // Array(nil) in Ruby; `args:` with nothing behind it in a YAML file.
    ['null is none', null, []],
  ])('arguments: %s', (_what, args, expected) => {
    expect(cronRule('x', { every: '1h', queue: 'q', args }).args).toEqual(expected);
  });

  test('null stands for absent, as Ruby writes nil', () => {
    const nulls = { class: null, queue: null, timeZone: null, missed: null, overlap: null, description: null };
    const rule = cronRule('Report', wild({ cron: '0 3 * * *', ...nulls }), registry);
    expect([rule.class, rule.queue, rule.missed, rule.overlap, rule.description]).toEqual([
      'Report',
      'reports',
      'latest',
      'allow',
      undefined,
    ]);
  });
});

describe('when', () => {
  test.each<[string, CronEntry, string]>([
    ['five fields, in UTC', { cron: '0 3 * * *' }, '2026-11-21T03:00:00'],
    ['six fields', { cron: '30 0 3 * * *' }, '2026-11-21T03:00:30'],
    ['a time zone of its own', { cron: '0 3 * * *', timeZone: 'Europe/Paris' }, '2026-11-21T02:00:00'],
    ['a trailing time zone', { cron: '0 3 * * * Europe/Paris' }, '2026-11-21T02:00:00'],
    ['six fields and a trailing time zone', { cron: '30 0 3 * * * America/New_York' }, '2026-11-21T08:00:30'],
    ['a trailing time zone without a slash', { cron: '0 3 * * * UTC' }, '2026-11-21T03:00:00'],
    ['a trailing time zone of three parts', { cron: '0 3 * * * America/Argentina/Salta' }, '2026-11-21T06:00:00'],
    ['a trailing time zone with a sign', { cron: '0 3 * * * Etc/GMT+5' }, '2026-11-21T08:00:00'],
    ['a day at the end is no time zone', { cron: '0 3 * * SAT' }, '2026-11-21T03:00:00'],
    ['in lower case neither', { cron: '0 3 * * sun' }, '2026-11-22T03:00:00'],
    ['nor two days', { cron: '0 3 * * SAT,SUN' }, '2026-11-21T03:00:00'],
    ['a day, then a time zone', { cron: '0 3 * * sun Europe/Paris' }, '2026-11-22T02:00:00'],
    ['white space around', { cron: '  0  3 * *\t*  ' }, '2026-11-21T03:00:00'],
    ['@daily', { cron: '@daily' }, '2026-11-21T00:00:00'],
    ['@daily with a trailing time zone', { cron: '@daily Europe/Paris' }, '2026-11-20T23:00:00'],
    ['@every 30s', { cron: '@every 30s' }, '2026-11-20T20:30:00'],
    ['@every 1h30m', { cron: '@every  1h30m' }, '2026-11-20T21:00:00'],
    ['every, a text', { every: '30s' }, '2026-11-20T20:30:00'],
    ['every, an array of one', { every: ['30s'] }, '2026-11-20T20:30:00'],
    ['every with a first wait', { every: ['1h', { first_in: '10s' }] }, '2026-11-20T20:29:47'],
    ['every with a first wait longer than it', { every: ['30s', { first_in: '1h' }] }, '2026-11-20T21:29:37'],
    ['every with a first wait of nothing', wild({ every: ['30s', { first_in: 0 }] }), '2026-11-20T20:30:00'],
    ['every with a first time', { every: ['1d', { first_at: '2026-11-27T04:31:00Z' }] }, '2026-11-27T04:31:00'],
    [
      'every with a first time that has passed',
      { every: ['1d', { first_at: '2026-11-01T04:31Z' }] },
      '2026-11-21T04:31:00',
    ],
    [
      'every with a first time as Ruby prints it',
      { every: ['1d', { first_at: '2026-11-27 06:31:00 +0200' }] },
      '2026-11-27T04:31:00',
    ],
    [
      'every with a first time without a zone: UTC',
      { every: ['1d', { first_at: '2026-11-27 04:31:00' }] },
      '2026-11-27T04:31:00',
    ],
    [
      'every with a first time that is a Date',
      { every: ['1d', { first_at: new Date('2026-11-27T04:31:00Z') }] },
      '2026-11-27T04:31:00',
    ],
    ['every with a first day', { every: ['1d', { first_at: '2026-11-27' }] }, '2026-11-27T00:00:00'],
    // Ruby takes either for both.
    ['every with a first time that is a wait', { every: ['1d', { first_at: '10m' }] }, '2026-11-20T20:39:37'],
    [
      'every with a first wait that is a time',
      { every: ['1d', { first_in: '2026-11-27T04:31:00Z' }] },
      '2026-11-27T04:31:00',
    ],
    ['every with its first by a shorter name', wild({ every: ['1d', { first: '10m' }] }), '2026-11-20T20:39:37'],
    ['cron in an array', { cron: ['0 3 * * *'] }, '2026-11-21T03:00:00'],
    ['cron wins over every', { cron: '0 3 * * *', every: '30s' }, '2026-11-21T03:00:00'],
    // resque-scheduler takes the first of the two that is neither nil nor empty.
    ['cron that is null leaves it to every', wild({ cron: null, every: '30s' }), '2026-11-20T20:30:00'],
    ['cron that is empty leaves it to every', { cron: '', every: '30s' }, '2026-11-20T20:30:00'],
  ])('%s', (_what, entry, slot) => {
    expect(next(entry)).toBe(slot);
  });

  test('its own time zone wins over a trailing one', () => {
    expect(next({ cron: '0 3 * * * Europe/Paris', timeZone: 'America/New_York' })).toBe('2026-11-21T08:00:00');
  });
});

describe('an entry that is wrong', () => {
  const FORM = 'must be a cron expression of 5 fields, or 6 with seconds first, a name such as @daily, or "@every 30s"';
  const INTERVAL = "must be a duration of 1s or more: text such as '30s', '1h30m', '2d'";

  test.each<[string, unknown, string]>([
    ['is null', null, 'must be an object with cron or every; got null.'],
    ['is a text', '0 3 * * *', 'must be an object with cron or every; got "0 3 * * *".'],
    ['is an array', [1], 'must be an object with cron or every; got [1].'],
    ['has no time', {}, 'no time. Give cron, such as "0 3 * * *", or every, such as "1h".'],
    [
      'has four fields',
      { cron: '* * * *' },
      'cron must have 5 fields, or 6 with seconds first, and may end in a time zone; got "* * * *".',
    ],
    [
      'has seven fields',
      { cron: '* * * * * * *' },
      'cron must have 5 fields, or 6 with seconds first, and may end in a time zone; got "* * * * * * *".',
    ],
    [
      'has a time for once',
      { cron: '2026-12-24T00:00:00' },
      'cron must have 5 fields, or 6 with seconds first, and may end in a time zone; got "2026-12-24T00:00:00".',
    ],
    ['has no cron text', { cron: 5 }, 'cron must be a text that is not empty; got 5.'],
    [
      'has a minute that there is not',
      { cron: '60 * * * *' },
      `cron ${FORM}; got "60 * * * *" (Invalid value for minute: 60).`,
    ],
    [
      'has an hour that there is not',
      { cron: '0 25 * * *' },
      `cron ${FORM}; got "0 25 * * *" (Invalid value for hour: 25).`,
    ],
    [
      'steps by nothing',
      { cron: '*/0 * * * *' },
      `cron ${FORM}; got "*/0 * * * *" (Syntax error, illegal stepping: 0).`,
    ],
    ['has words for fields', { cron: 'at three every day please' }, `cron ${FORM}; got "at three every day please" (`],
    ['has a name that there is not', { cron: '@lunch' }, `cron ${FORM}; got "@lunch" (`],
    ['waits for a reboot', { cron: '@reboot' }, `cron ${FORM}; got "@reboot" (@reboot is not supported`],
    [
      'has arguments that JSON would change',
      { every: '1h', class: 'brew', args: [1, { at: new Date(0) }] },
      'args: The arguments of brew would not arrive as they are: args.1.at is a Date',
    ],
    [
      'is for one environment of Rails, in code',
      { every: '1h', rails_env: 'production' },
      'there is no field "rails_env"',
    ],
    ['has half a surrogate pair', { every: '1h', description: '\ud83d' }, 'has half of a surrogate pair'],
    ['is due on no day', { cron: '0 0 30 2 *' }, 'cron is never due: "0 0 30 2 *" matches no date.'],
    [
      'is due on no day of three months',
      { cron: '0 0 31 2,4,6 *' },
      'cron is never due: "0 0 31 2,4,6 *" matches no date.',
    ],
    ['has an interval too short', { cron: '@every 0.5s' }, `cron ${INTERVAL}; got "0.5s".`],
    [
      'has a time zone that there is not',
      { cron: '0 3 * * *', timeZone: 'Mars/Phobos' },
      'timeZone must be an IANA time zone, such as "Europe/Paris" or "UTC"; got "Mars/Phobos".',
    ],
    ['has no time zone text', { cron: '0 3 * * *', timeZone: 2 }, 'timeZone must be a text that is not empty; got 2.'],
    ['has an interval that is none', { every: 'often' }, `every ${INTERVAL}; got "often".`],
    ['has an interval of nothing', { every: 0 }, `every ${INTERVAL}; got 0.`],
    ['has an interval shorter than a second', { every: '999ms' }, `every ${INTERVAL}; got "999ms".`],
    [
      'has a number for an interval',
      { every: 30 },
      "every must be a duration with a unit; got 30. Write '30s' for seconds.",
    ],
    [
      'has a number for the interval before its options',
      { every: [0.5, {}] },
      "every must be a duration with a unit; got 0.5. Write '0.5s' for seconds.",
    ],
    [
      'has a number for a first wait',
      { every: ['1h', { first_in: 300 }] },
      "every.first_in must be a duration with a unit; got 300. Write '300s' for seconds.",
    ],
    [
      'has a number for a first time',
      { every: ['1h', { first_at: 1795207237000 }] },
      "every.first_at must be a duration with a unit; got 1795207237000. Write '1795207237000s' for seconds.",
    ],
    ['has an empty list for an interval', { every: [] }, `every ${INTERVAL}; got undefined.`],
    [
      'has a first wait that is none',
      { every: ['1h', { first_in: 'soon' }] },
      `every.first_in ${INTERVAL}, or a time such as "2026-11-27T04:31:00Z"; got "soon".`,
    ],
    [
      'has a first time that there is not',
      { every: ['1h', { first_at: '2026-13-01T00:00Z' }] },
      'every.first_at must be a time that there is; got "2026-13-01T00:00Z".',
    ],
    [
      'has an option that nobody heeds',
      { every: ['1h', { somehow: false }] },
      'every.somehow is not known here (of such options first_at and first_in are), and would have no effect; got false. Leave it out.',
    ],
    [
      'has an option of cron',
      { cron: ['* * * * *', { allow_overlapping: false }] },
      "cron.allow_overlapping is about Ruby's threads; an entry whose jobs must not overlap says overlap: 'skip'. Got false.",
    ],
    [
      'is to end',
      { every: ['1h', { times: 3 }] },
      'every.times is not known here, and without it the entry would not end; got 3.',
    ],
    ['is to end some day', { every: ['1h', { last_at: '2027-01-01' }] }, 'every.last_at is not known here'],
    ['has options that are none', { every: ['1h', 300] }, 'every: its options must be an object; got 300.'],
    [
      'has too much in its array',
      { every: ['1h', {}, 1] },
      'every must be a value, or an array of it and its options; got ["1h",{},1].',
    ],
    [
      'has a field that there is not',
      { every: '1h', misssed: 'all' },
      'there is no field "misssed" (did you mean "missed"?).',
    ],
    [
      'has a field that is not near any',
      { every: '1h', colour: 'red' },
      'there is no field "colour". There are cron, every,',
    ],
    [
      'has a time zone for an interval',
      { every: '1h', timeZone: 'UTC' },
      'timeZone has no meaning for an interval; got "UTC".',
    ],
    ['has no class text', { every: '1h', class: 7 }, 'class must be a text that is not empty; got 7.'],
    ['has an empty class', { every: '1h', class: '' }, 'class must be a text that is not empty; got "".'],
    ['has no queue text', { every: '1h', queue: ['q'] }, 'queue must be a text that is not empty; got ["q"].'],
    [
      'has no description text',
      { every: '1h', queue: 'q', description: {} },
      'description must be a text that is not empty; got {}.',
    ],
    [
      'has a policy for missed slots that there is not',
      { every: '1h', queue: 'q', missed: 'some' },
      'missed must be one of "latest", "skip", "all"; got "some".',
    ],
    [
      'has a policy for overlap that there is not',
      { every: '1h', queue: 'q', overlap: true },
      'overlap must be one of "allow", "skip"; got true.',
    ],
    [
      'has a class that nobody knows, and no queue',
      { every: '1h', class: 'Unknown' },
      'no queue. Name one in queue, or in the definition of Unknown.',
    ],
    [
      'has a class without a queue, and none itself',
      { every: '1h', class: 'Homeless' },
      'no queue. Name one in queue, or in the definition of Homeless.',
    ],
  ])('%s', (_what, entry, reason) => {
    const check = () => cronRule('nightly "x"', wild(entry), registry);
    expect(check).toThrow(ConfigError);
    // What comes after the last quoted opening bracket is the library's own text.
    expect(check).toThrow(`cron entry "nightly \\"x\\"": ${reason}`);
  });

  test('has no name', () => {
    expect(() => cronRule('', { every: '1h', queue: 'q' })).toThrow('A cron entry needs a name; got "".');
  });

  test('has a trailing time zone that there is not', () => {
    const check = () => cronRule('x', { cron: '0 3 * * * Mars/Phobos', queue: 'q' });
    expect(check).toThrow(/^cron entry "x": cron must be .*; got "0 3 \* \* \* Mars\/Phobos" \(/);
  });
});

describe("in Resque's own format, a number without a unit is seconds", () => {
  const fromRedis = { numbers: 'seconds', report: () => {} } as const;
  const read = (every: unknown) => cronRule('x', wild({ queue: 'q', every }), undefined, fromRedis).timing;

  test.each<[unknown, string]>([
    [30, '2026-11-20T20:30:00'],
    [[30], '2026-11-20T20:30:00'],
    [1.5, '2026-11-20T20:29:37.500'],
    ['1h30m', '2026-11-20T21:00:00'],
    ['1500ms', '2026-11-20T20:29:37.500'],
    [['1h', { first_in: 300 }], '2026-11-20T20:34:37'],
    [['1d', { first_at: 90 }], '2026-11-20T20:31:07'],
  ])('%j', (every, slot) => {
    expect(read(every).next(FRIDAY, FRIDAY)).toBe(Date.parse(`${slot}Z`));
  });

  test.each<[unknown, string]>([
    [0.5, '0.5'],
    [-1, '-1'],
    ['thirty', '"thirty"'],
    [null, 'null'],
    [[{}], '{}'],
  ])('%j is no interval', (every, got) => {
    if (every === null) return expect(() => read(every)).toThrow('no time. Give cron');
    const allowed = "a number of seconds, or text such as '30s', '1h30m', '2d'";
    expect(() => read(every)).toThrow(`every must be a duration of 1s or more: ${allowed}; got ${got}.`);
  });
});

describe('static entries', () => {
  test('all become rules', () => {
    const rules = checkCronEntries({ Report: { every: '1h' }, two: { cron: '@daily', class: 'Report' } }, registry);
    expect(rules.map(({ name, class: className, queue }) => [name, className, queue])).toEqual([
      ['Report', 'Report', 'reports'],
      ['two', 'Report', 'reports'],
    ]);
    expect(checkCronEntries({}, registry)).toEqual([]);
  });

  test('the first that is wrong is an error', () => {
    expect(() => checkCronEntries({ Report: { every: '1h' }, bad: { every: 'x', class: 'Report' } }, registry)).toThrow(
      /^cron entry "bad": every must be a duration/,
    );
  });

  test('a class that is not defined is an error that names those that are', () => {
    const check = () => checkCronEntries({ nightly: { every: '1h', class: 'Repotr', queue: 'q' } }, registry);
    expect(check).toThrow(ConfigError);
    expect(check).toThrow(
      'cron entry "nightly": class "Repotr" is not defined in the jobs module (did you mean "Report"?), which has: Report, Homeless, mail:*.',
    );
  });

  test('a class that is near none has no suggestion', () => {
    expect(() => checkCronEntries({ x: { every: '1h', class: 'Invoice', queue: 'q' } }, registry)).toThrow(
      'class "Invoice" is not defined in the jobs module, which has:',
    );
  });

  test('arguments that the schema of the class refuses are an error', () => {
    const strict = createRegistry([
      defineJob({ class: 'Welcome', queue: 'mail', args: v.tuple([v.pipe(v.number(), v.integer())]), perform() {} }),
    ]);
    const entry = { every: '1h', class: 'Welcome' };
    expect(checkCronEntries({ fine: { ...entry, args: [9] } }, strict)).toHaveLength(1);
    for (const args of [['nine'], [], [1.5], 'nine']) {
      const check = () => checkCronEntries({ bad: { ...entry, args } }, strict);
      expect(check).toThrow(ConfigError);
      expect(check).toThrow(/^cron entry "bad": args: The arguments do not fit the schema of Welcome: /);
    }
  });

  test('a schema that is asynchronous is asked when the job runs', () => {
    const slow = createRegistry([
      defineJob({
        class: 'Slow',
        queue: 'q',
        args: v.tupleAsync([
          v.pipeAsync(
            v.string(),
            v.checkAsync(async () => false),
          ),
        ]),
        perform() {},
      }),
    ]);
    expect(checkCronEntries({ x: { every: '1h', class: 'Slow', args: ['a'] } }, slow)).toHaveLength(1);
  });

  test('without a registry only a queue is asked for', () => {
    expect(checkCronEntries({ x: { every: '1h', class: 'Elsewhere', queue: 'q' } })).toHaveLength(1);
    expect(() => checkCronEntries({ x: { every: '1h', class: 'Elsewhere' } })).toThrow('cron entry "x": no queue.');
  });
});
