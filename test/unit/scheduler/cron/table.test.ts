import { beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../shared/errors.ts';
import { defineJob } from '../../../../shared/job/define.ts';
import { createRegistry } from '../../../../shared/job/registry.ts';
import { cronPayload } from '../../../../shared/scheduler/cron/cron-payload.ts';
import type { CronEntry } from '../../../../shared/scheduler/cron/entry.ts';
import { CronTable } from '../../../../shared/scheduler/cron/table.ts';
import { type RecordingLogger, recordingLogger } from '../../../helpers/recording-logger.ts';

const registry = createRegistry([defineJob({ class: 'Report', queue: 'reports', perform() {} })]);
const good = '{"every":"1h","class":"Report"}';

let log: RecordingLogger;
beforeEach(() => {
  log = recordingLogger();
});

const table = (entries: Readonly<Record<string, CronEntry>> = {}, environment?: string) =>
  new CronTable({ entries, registry, log, ...(environment === undefined ? {} : { environment }) });

const rules = (cron: CronTable, dynamic: Readonly<Record<string, string>>) => {
  const { rules: found, invalid } = cron.rules(new Map(Object.entries(dynamic)));
  return { names: found.map((rule) => rule.name), rules: found, invalid };
};

describe('static entries', () => {
  test('hold without any dynamic one', () => {
    const cron = table({ Report: { cron: '@daily' } });
    expect(rules(cron, {}).names).toEqual(['Report']);
    expect([...cron.static.keys()]).toEqual(['Report']);
  });

  test('that are wrong are an error at once', () => {
    expect(() => table({ bad: { every: 'x', class: 'Report' } })).toThrow(ConfigError);
    expect(() => table({ bad: { every: '1h', class: 'Unknown' } })).toThrow('class "Unknown" is not defined');
  });

  test('win over dynamic ones of their name; the log says so once', () => {
    const cron = table({ nightly: { cron: '0 3 * * *', class: 'Report' } });
    const dynamic = { nightly: '{"cron":"0 4 * * *","class":"Report"}', other: good };
    for (let i = 0; i < 3; i++) {
      const found = rules(cron, dynamic);
      expect(found.names).toEqual(['nightly', 'other']);
      expect(found.rules[0]?.timing.fingerprint).toBe('cron 0 3 * * * UTC');
      expect(found.invalid).toEqual([]);
    }
    expect(log.lines).toEqual([
      { level: 'warn', message: expect.stringMatching(/has the name of a static one/), fields: { name: 'nightly' } },
    ]);
  });
});

describe('dynamic entries', () => {
  test('join the static ones', () => {
    const cron = table({ Report: { cron: '@daily' } });
    expect(rules(cron, { a: good, b: '{"cron":"0 3 * * * Europe/Paris","class":"Report","args":"x"}' })).toMatchObject({
      names: ['Report', 'a', 'b'],
      invalid: [],
    });
    expect(log.lines).toEqual([]);
  });

  test('follow what Redis has: changed, removed, new', () => {
    const cron = table();
    expect(rules(cron, { a: good, b: good }).names).toEqual(['a', 'b']);
    const changed = rules(cron, { a: '{"every":"2h","class":"Report"}', c: good });
    expect(changed.rules.map(({ name, timing }) => [name, timing.fingerprint])).toEqual([
      ['a', 'every 7200000'],
      ['c', 'every 3600000'],
    ]);
  });

  test('are parsed again only when they change', () => {
    const cron = table();
    const before = rules(cron, { a: good }).rules[0];
    expect(rules(cron, { a: good }).rules[0]).toBe(before);
    expect(rules(cron, { a: good.replace('1h', '2h') }).rules[0]).not.toBe(before);
  });

  test('may name a class that is defined elsewhere, with its queue', () => {
    expect(rules(table(), { RubyJob: '{"every":"1h","queue":"ruby"}' }).rules).toMatchObject([
      { class: 'RubyJob', queue: 'ruby', args: [] },
    ]);
  });

  test('keep integers that no double holds', () => {
    const json = '{"every":"1h","class":"Report","args":[12345678901234567890,9007199254740993]}';
    expect(rules(table(), { big: json }).rules[0]?.args).toEqual([12_345_678_901_234_567_890n, 9_007_199_254_740_993n]);
  });

  test.each([
    ['is no JSON', '{"every":', /JSON/],
    ['is null', 'null', /must be an object with cron or every; got null/],
    ['is an array', '[]', /must be an object with cron or every; got \[\]/],
    ['has no time', '{"class":"Report"}', /no time/],
    ['has a wrong time', '{"cron":"61 * * * *","class":"Report"}', /cron must be .*"61 \* \* \* \*"/],
    ['has no queue', '{"every":"1h","class":"Unknown"}', /no queue/],
    ['names Ruby code', '{"every":"1h","custom_job_class":"Status","class":"Report"}', /custom_job_class/],
  ])('one that %s is told once, with the reason, and the others run', (_what, json, reason) => {
    const cron = table();
    const first = rules(cron, { bad: json, fine: good });
    expect(first.names).toEqual(['fine']);
    expect(first.invalid).toEqual([{ name: 'bad', error: expect.stringMatching(reason) }]);
    expect(rules(cron, { bad: json, fine: good })).toMatchObject({ names: ['fine'], invalid: [] });
    expect(log.lines).toEqual([
      {
        level: 'error',
        message: 'A dynamic cron entry cannot be used; the others run',
        fields: { name: 'bad', error: expect.stringMatching(reason) },
      },
    ]);
  });

  test('a bad one is told again when it changes, and runs when it is good', () => {
    const cron = table();
    expect(rules(cron, { a: '{' }).invalid).toHaveLength(1);
    expect(rules(cron, { a: '[' }).invalid).toHaveLength(1);
    expect(rules(cron, { a: good })).toMatchObject({ names: ['a'], invalid: [] });
    expect(rules(cron, { a: '{' }).invalid).toHaveLength(1);
    expect(log.lines).toHaveLength(3);
  });
});

describe('rails_env', () => {
  const entry = (environments: string, key = 'rails_env') =>
    JSON.stringify({ every: '1h', class: 'Report', [key]: environments });

  /** As `configured_env.split(/[\s,]+/).include?(env)` does it in resque-scheduler. */
  test.each([
    ['production', 'production', true],
    ['production', 'staging', false],
    ['production', undefined, false],
    ['staging,production', 'production', true],
    ['staging, production', 'production', true],
    ['staging production', 'production', true],
    [' production ', 'production', true],
    ['preproduction', 'production', false],
  ])('%j in %s: %s', (environments, environment, runs) => {
    for (const key of ['rails_env', 'env']) {
      expect(rules(table({}, environment), { a: entry(environments, key) }).names).toEqual(runs ? ['a'] : []);
    }
    expect(log.lines).toEqual([]);
  });

  test('an entry without it runs everywhere', () => {
    expect(rules(table({}, 'production'), { a: good }).names).toEqual(['a']);
    expect(rules(table(), { a: '{"every":"1h","class":"Report","rails_env":null}' }).names).toEqual(['a']);
  });

  test('an entry for another environment may be wrong: it is not ours', () => {
    const json = '{"every":"x","class":"Unknown","rails_env":"staging"}';
    expect(rules(table({}, 'production'), { a: json })).toMatchObject({ names: [], invalid: [] });
  });
});

test.each([
  ['[1.0,12345678901234567890,{"10":1,"2":-0.0},"\\/"]', '[1.0,12345678901234567890,{"10":1,"2":-0.0},"\\/"]'],
  ['1e3', '[1e3]'],
  ['null', '[]'],
])('arguments that Ruby wrote, %s, are in the job as they stand there', (args, written) => {
  const [rule] = rules(table(), { a: `{"every":"1h","class":"Report","args":${args}}` }).rules;
  if (!rule) throw new Error('no rule');
  const { payload } = cronPayload({ ...rule, class: 'A "b"' }, 0, 0);
  expect(payload).toContain(`{"class":"A \\"b\\"","args":${written},"cron":{"name":"a",`);
});
