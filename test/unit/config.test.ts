import { describe, expect, test } from 'vitest';
import { defaultNamespace, type WorkerOptions, workerDefaults, workerOptions } from '../../shared/config.ts';
import { ConfigError } from '../../shared/errors.ts';

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
    const options = workerOptions({ concurrency: undefined } as unknown as Partial<WorkerOptions>);
    expect(options).toEqual(workerDefaults);
    expect(options).not.toBe(workerDefaults);
  });
});

/** Options as JavaScript could give them. */
const optionsOf = (given: Readonly<Record<string, unknown>>) => workerOptions(given as Partial<WorkerOptions>);

describe('a number that cannot be used is an error with the option, what is allowed and the value', () => {
  test.each<[keyof WorkerOptions, unknown, string]>([
    ['concurrency', 0, 'whole number, 1 or more; got 0'],
    ['concurrency', -1, 'whole number, 1 or more; got -1'],
    ['concurrency', 2.5, 'whole number, 1 or more; got 2.5'],
    ['concurrency', Number.NaN, 'whole number, 1 or more; got NaN'],
    ['concurrency', Infinity, 'whole number, 1 or more; got Infinity'],
    ['concurrency', '25', 'whole number, 1 or more; got 25'],
    ['concurrency', null, 'whole number, 1 or more; got null'],
    ['interval', 0, 'finite number, 1 or more; got 0'],
    ['interval', Infinity, 'finite number, 1 or more; got Infinity'],
    ['lease', 999, 'finite number, 1000 or more; got 999'],
    ['shutdownTimeout', -1, 'finite number, 0 or more; got -1'],
    ['abortGrace', -1, 'finite number, 0 or more; got -1'],
    ['attempts', 0, 'whole number, 1 or more; got 0'],
    ['batchCount', 0, 'whole number, 1 or more; got 0'],
    ['batchBytes', 0.5, 'whole number, 1 or more; got 0.5'],
    ['ahead', -1, 'finite number, 0 or more; got -1'],
    ['settleWithin', -1, 'finite number, 0 or more; got -1'],
    ['releaseAfter', -1, 'finite number, 0 or more; got -1'],
    ['heldBytes', 0, 'whole number, 1 or more; got 0'],
  ])('%s: %s', (option, value, message) => {
    expect(() => optionsOf({ [option]: value })).toThrow(new ConfigError(`${option} must be a ${message}.`));
  });

  test.each([0, -1, Number.NaN, '30000', null])('timeout: %s', (timeout) => {
    expect(() => optionsOf({ timeout })).toThrow(ConfigError);
    expect(() => optionsOf({ timeout })).toThrow(/^timeout must be /);
  });

  test.each<Partial<WorkerOptions>>([
    { concurrency: 1 },
    { interval: 0.5 + 0.5 },
    { lease: 1_000 },
    { shutdownTimeout: 0, abortGrace: 0, ahead: 0, settleWithin: 0, releaseAfter: 0 },
    { batchCount: 1, batchBytes: 1, attempts: 1 },
    { timeout: 1.5 },
  ])('%o is allowed', (given) => {
    expect(workerOptions(given)).toMatchObject(given);
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
  const { message } = new ConfigError(`There is no option ${name}; there are concurrency, interval, `);
  expect(() => optionsOf({ [name]: 1 })).toThrow(message);
});
