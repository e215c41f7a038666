import { describe, expect, test } from 'vitest';
import { ArgumentsError, ConfigError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { defineActiveJob } from '../../../shared/job/define-active-job.ts';
import { lockName, uniqueName } from '../../../shared/job/unique.ts';
import { type UniqueOptions, uniqueOf } from '../../../shared/job/unique-options.ts';
import { GlobalId, RubySymbol } from '../../../shared/wire/active-job/values.ts';

const BY_ARGS = { by: 'args' } as const;

describe('options', () => {
  test('have defaults, and times in milliseconds', () => {
    expect(uniqueOf('x', {})).toEqual({
      by: 'args',
      while: 'queued or running',
      onConflict: 'skip',
      atMost: 86_400_000,
    });
    expect(uniqueOf('x', { while: 'queued', atMost: '1h' })).toMatchObject({ while: 'queued', atMost: 3_600_000 });
    expect(uniqueOf('x', { while: '10m' })).toMatchObject({ while: 600_000, atMost: 600_000 });
  });

  test('that were checked are taken again', () => {
    const Hello = defineJob({ class: 'Hello', unique: { while: '10m' }, perform() {} });
    expect(defineJob({ ...Hello, queue: 'other' }).unique).toEqual(uniqueOf('x', { while: '10m' }));
  });

  test.each<[unknown, RegExp]>([
    [true, /unique: options must be an object; got true/],
    [{ bye: 'args' }, /no option "bye", did you mean "by"|there is no option "bye"/],
    [{ by: 'class' }, /unique\.by must be "args", or a function/],
    [{ while: 'waiting' }, /unique\.while must be a duration.*"queued", "queued or running", "running"; got "waiting"/],
    [{ while: 5 }, /unique\.while must be a duration.*got 5\. Write '5s'/],
    [{ while: Infinity }, /unique\.while must be a duration/],
    [{ onConflict: 'drop' }, /unique\.onConflict must be "skip", "replace", "later"; got "drop"/],
    [{ while: 'running', onConflict: 'replace' }, /cannot be "replace" with while "running"/],
    [{ while: '10m', atMost: '1h' }, /unique\.atMost says nothing where unique\.while is a time/],
    [{ atMost: 0 }, /unique\.atMost must be a duration/],
  ])('%j is refused where the job is defined', (unique, message) => {
    const options = { unique: unique as UniqueOptions, perform() {} };
    expect(() => defineJob({ class: 'Hello', ...options })).toThrow(message);
    expect(() => defineJob({ class: 'Hello', ...options })).toThrow(ConfigError);
    expect(() => defineActiveJob({ job: 'Hello', ...options })).toThrow(message);
  });

  test.each<[object, RegExp]>([
    [{ track: 'yes' }, /defineJob "Hello": track must be true, false, or \{ result: '24h' \}; got "yes"/],
    [{ track: { result: 24 } }, /track\.result must be a duration.*got 24/],
    [{ track: { results: '1h' } }, /no option "results"/],
    [{ expires: '0s' }, /expires must be a duration/],
    [{ expires: new Date(0) }, /expires must be a duration/],
    [{ deadline: 'soon' }, /deadline must be a duration.*got "soon"/],
  ])('so is %j', (options, message) => {
    expect(() => defineJob({ class: 'Hello', ...options, perform() {} })).toThrow(message);
  });

  test('of a definition have times in milliseconds', () => {
    const Hello = defineJob({
      class: 'Hello',
      track: { result: '1h' },
      expires: '10m',
      deadline: Infinity,
      perform() {},
    });
    expect(Hello).toMatchObject({ track: { result: '1h' }, expires: 600_000, deadline: Infinity });
  });
});

describe('the name of a lock', () => {
  test('is equal for equal arguments, whatever the order of their keys', () => {
    const name = uniqueName('Report', BY_ARGS, [{ b: [1, { d: 2, c: null }], a: 'x' }, 3n]);
    expect(uniqueName('Report', BY_ARGS, [{ a: 'x', b: [1, { c: null, d: 2 }] }, 3])).toBe(name);
    expect(name).toMatch(/^Report:[0-9a-f]{32}$/);
    for (const args of [
      [],
      [{ b: [1, { d: 2, c: null }], a: 'x' }],
      [{ a: 'x', b: [{ c: null, d: 2 }, 1] }, 3],
      [[]],
    ]) {
      expect(uniqueName('Report', BY_ARGS, args)).not.toBe(name);
    }
    expect(uniqueName('Other', BY_ARGS, [1])).not.toBe(uniqueName('Report', BY_ARGS, [1]));
  });

  test('tells integers apart that a double does not', () => {
    expect(uniqueName('R', BY_ARGS, [2n ** 60n])).not.toBe(uniqueName('R', BY_ARGS, [2n ** 60n + 1n]));
  });

  test('is of what `by` makes of the arguments', () => {
    const unique = uniqueOf('x', { by: ([order]: [string, number]) => order });
    expect(uniqueName('R', unique, ['a', 1])).toBe(uniqueName('R', unique, ['a', 2]));
    expect(uniqueName('R', unique, ['a', 1])).not.toBe(uniqueName('R', unique, ['b', 1]));
  });

  test('fits into a key and between quotes, and no two classes share one', () => {
    const long = `A"\\{ }\n${'é'.repeat(30_000)}`;
    expect(lockName(long, '')).toMatch(/^[A-Za-z0-9_.:-]{1,80}:[0-9a-f]{32}$/);
    expect(lockName(`${long}1`, '')).not.toBe(lockName(`${long}2`, ''));
  });

  test.each([false, true])('tells long integers apart, of an ActiveJob: %s', (activeJob) => {
    const [one, other] = [2n ** 64n, 2n ** 64n + 1n].map((id) => uniqueName('Hello', { by: 'args' }, [id], activeJob));
    expect(one).not.toBe(other);
  });

  test('of an ActiveJob is of its arguments as Rails writes them', () => {
    const args = [new GlobalId('gid://shop/User/7'), new RubySymbol('a')];
    const name = uniqueName('Welcome', BY_ARGS, args, true);
    expect(uniqueName('Welcome', BY_ARGS, [new GlobalId('gid://shop/User/7'), new RubySymbol('a')], true)).toBe(name);
    expect(uniqueName('Welcome', BY_ARGS, [new GlobalId('gid://shop/User/8'), new RubySymbol('a')], true)).not.toBe(
      name,
    );
  });

  test.each<[(args: never) => unknown, RegExp]>([
    [() => 7, /^unique\.by of R must return a text.*got 7\.$/],
    [() => '', /got ""\.$/],
    [() => undefined, /got undefined\.$/],
    [async () => 'x', /got a promise\.$/],
    [
      () => {
        throw new TypeError('no tenant');
      },
      /^unique\.by of R failed.*: no tenant$/,
    ],
  ])('a `by` that gives none is named: %s', (by, message) => {
    const unique = uniqueOf('x', { by: by as (args: readonly unknown[]) => string });
    expect(() => uniqueName('R', unique, [])).toThrow(message);
    expect(() => uniqueName('R', unique, [])).toThrow(ArgumentsError);
  });
});
