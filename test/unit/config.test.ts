import { describe, expect, test } from 'vitest';
import own from '../../package.json' with { type: 'json' };
import {
  defaultNamespace,
  version,
  type WorkerOptions,
  type WorkerOptionsInput,
  workerDefaults,
  workerOptions,
} from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';

test('the version is that of the package', () => {
  expect(version).toBe(own.version);
});

describe('the defaults', () => {
  test("are the documented ones; goworker's where it has them", () => {
    expect(workerOptions({})).toEqual({
      concurrency: 25,
      interval: 5_000,
      lease: 60_000,
      shutdownTimeout: 8_000,
      abortGrace: 1_000,
      exitOnComplete: false,
      unknownClass: 'fail',
      numbers: 'bigint',
      attempts: 5,
      timeout: 900_000,
      batchCount: 5_000,
      batchBytes: 1_048_576,
      ahead: 60,
      settleWithin: 100,
      releaseAfter: 150,
      heldBytes: 67_108_864,
      serial: '',
      limits: {},
      logRuns: true,
      logArgs: false,
    });
    expect(defaultNamespace).toBe('resque:');
  });

  test('give way to what is given, also to 0 and false', () => {
    const given = { concurrency: 1, shutdownTimeout: 0, logRuns: false, timeout: Infinity, numbers: 'double' } as const;
    expect(workerOptions(given)).toEqual({ ...workerDefaults, ...given });
  });

  test('stay where undefined is given, and are not changed by anyone', () => {
    const options = workerOptions({ concurrency: undefined } as unknown as WorkerOptionsInput);
    expect(options).toEqual(workerDefaults);
    expect(options).not.toBe(workerDefaults);
  });
});

/** Options as JavaScript could give them. */
const optionsOf = (given: Readonly<Record<string, unknown>>) => workerOptions(given as WorkerOptionsInput);

describe('a number that cannot be used is an error with the option, what is allowed and the value', () => {
  test.each<[keyof WorkerOptions, unknown, string]>([
    ['concurrency', 0, 'whole number, 1 or more; got 0'],
    ['concurrency', -1, 'whole number, 1 or more; got -1'],
    ['concurrency', 2.5, 'whole number, 1 or more; got 2.5'],
    ['concurrency', Number.NaN, 'whole number, 1 or more; got NaN'],
    ['concurrency', Infinity, 'whole number, 1 or more; got Infinity'],
    ['concurrency', '25', 'whole number, 1 or more; got 25'],
    ['concurrency', null, 'whole number, 1 or more; got null'],
    ['attempts', 0, 'whole number, 1 or more; got 0'],
    ['batchCount', 0, 'whole number, 1 or more; got 0'],
    ['batchBytes', 0.5, 'whole number, 1 or more; got 0.5'],
    ['heldBytes', 0, 'whole number, 1 or more; got 0'],
  ])('%s: %s', (option, value, message) => {
    expect(() => optionsOf({ [option]: value })).toThrow(new ConfigError(`${option} must be a ${message}.`));
  });

  test.each<Partial<WorkerOptions>>([{ concurrency: 1 }, { batchCount: 1, batchBytes: 1, attempts: 1 }])(
    '%o is allowed',
    (given) => {
      expect(workerOptions(given)).toMatchObject(given);
    },
  );
});

describe('a time is a duration', () => {
  const FORMS = "a number of milliseconds, or text such as '500ms', '30s', '1h30m', '2d'";
  const ENDLESS = "a number of milliseconds, text such as '500ms', '30s', '1h30m', '2d', or Infinity";
  const SECONDS = "a number of milliseconds, or text such as '30s', '1h30m', '2d'";

  test.each<[keyof WorkerOptions, unknown, string]>([
    ['interval', 0, ` of 1ms or more: ${FORMS}; got 0`],
    ['interval', Infinity, ` of 1ms or more: ${FORMS}; got Infinity`],
    ['interval', '5', ` of 1ms or more: ${FORMS}; got "5"`],
    ['interval', null, ` of 1ms or more: ${FORMS}; got null`],
    ['lease', 999, ` of 1s or more: ${SECONDS}; got 999`],
    ['lease', '999ms', ` of 1s or more: ${SECONDS}; got "999ms"`],
    ['shutdownTimeout', -1, `: ${FORMS}; got -1`],
    ['abortGrace', -1, `: ${FORMS}; got -1`],
    ['timeout', 0, ` of 1ms or more: ${ENDLESS}; got 0`],
    ['timeout', Number.NaN, ` of 1ms or more: ${ENDLESS}; got NaN`],
    ['timeout', '30000', ` of 1ms or more: ${ENDLESS}; got "30000"`],
    ['ahead', -1, `: ${FORMS}; got -1`],
    ['settleWithin', -1, `: ${FORMS}; got -1`],
    ['releaseAfter', -1, `: ${FORMS}; got -1`],
  ])('%s: %s is none', (option, value, message) => {
    expect(() => optionsOf({ [option]: value })).toThrow(new ConfigError(`${option} must be a duration${message}.`));
  });

  test.each<[WorkerOptionsInput, Partial<WorkerOptions>]>([
    [
      { interval: '5s', lease: '1m30s', shutdownTimeout: '8s', abortGrace: '500ms' },
      { interval: 5_000, lease: 90_000, shutdownTimeout: 8_000, abortGrace: 500 },
    ],
    [
      { timeout: '1.5h', ahead: '60ms', settleWithin: '.1s', releaseAfter: '0s' },
      { timeout: 5_400_000, ahead: 60, settleWithin: 100, releaseAfter: 0 },
    ],
    [
      { interval: '1ms', lease: 1_000, shutdownTimeout: 0, abortGrace: 0, timeout: '1.5ms', ahead: 0 },
      { interval: 1, lease: 1_000, shutdownTimeout: 0, abortGrace: 0, timeout: 1.5, ahead: 0 },
    ],
    [{ timeout: Infinity }, { timeout: Infinity }],
  ])('%o is %o', (given, options) => {
    expect(workerOptions(given)).toEqual({ ...workerDefaults, ...options });
  });
});

describe('a choice that is none is an error with the option, the choices and the value', () => {
  test.each<[keyof WorkerOptions, unknown, string]>([
    ['unknownClass', 'drop', '"fail", "release"; got "drop"'],
    ['unknownClass', null, '"fail", "release"; got null'],
    ['numbers', 'float', '"bigint", "double"; got "float"'],
    ['exitOnComplete', 'yes', 'true, false; got "yes"'],
    ['logRuns', 1, 'true, false; got 1'],
    ['logArgs', 'false', 'true, false; got "false"'],
  ])('%s: %s', (option, value, message) => {
    expect(() => optionsOf({ [option]: value })).toThrow(new ConfigError(`${option} must be one of ${message}.`));
  });

  test.each<Partial<WorkerOptions>>([
    { unknownClass: 'release', numbers: 'double' },
    { exitOnComplete: true, logRuns: false, logArgs: true },
  ])('%o is one', (given) => {
    expect(workerOptions(given)).toMatchObject(given);
  });
});

test.each(['concurency', 'queues', '__proto__x', 'toString'])('there is no option %s', (name) => {
  expect(() => optionsOf({ [name]: 1 })).toThrow(ConfigError);
  expect(() => optionsOf({ [name]: 1 })).toThrow(
    new RegExp(`^worker: there is no option "${name}".*; got 1\\. There are concurrency, interval, `),
  );
});

test('the option that was probably meant is named', () => {
  expect(() => optionsOf({ concurency: 1 })).toThrow('"concurency" (did you mean "concurrency"?); got 1.');
});

test.each([
  ['interval', 5],
  ['shutdownTimeout', 8],
  ['timeout', 30],
])('a small number for %s, meant as seconds, asks for its unit', (option, value) => {
  expect(() => optionsOf({ [option]: value })).toThrow(
    new ConfigError(
      `${option} must be a duration, and a number without a unit is milliseconds; got ${value}. ` +
        `Write '${value}s' for seconds, or '${value}ms' if that is meant.`,
    ),
  );
});

test('serial queues are a text or a list', () => {
  expect(workerOptions({ serial: ['a', 'b'] }).serial).toBe('a,b');
  expect(workerOptions({ serial: 'a' }).serial).toBe('a');
  expect(() => optionsOf({ serial: 5 })).toThrow(
    /^serial must be a text such as 'critical,default', or a list .*; got 5/,
  );
});
