import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError } from '../../../shared/errors.ts';
import { defineJob, type JobOptions } from '../../../shared/job/define.ts';
import { exponential } from '../../../shared/job/retry.ts';

const perform = () => {};

/** Defines a job as JavaScript could, with anything for an option. */
function define(options: Readonly<Record<string, unknown>>) {
  return defineJob({ class: 'Hello', perform, ...options } as unknown as JobOptions<[], []>);
}

describe('an option that cannot be used is a ConfigError with the option, the value and what is allowed', () => {
  const name = "defineJob: class must be a name, or a prefix that ends in *, such as 'Hello' or 'email:*'; got ";
  const hello = 'defineJob "Hello": ';
  const text = "text such as '500ms', '30s', '1h30m', '2d'";
  const timeout = `timeout must be a duration of 1ms or more: a number of milliseconds, ${text}, or Infinity; got `;
  const schema = 'args must be a Standard Schema, such as z.tuple([z.string()]) of zod 3.24 or later; got ';
  const attempts = 'retry.attempts must be a whole number, 1 (no retry) or more, or Infinity; got ';
  const delivery = 'delivery must be "at-least-once" or "at-most-once"; got ';
  const backoff = `retry.backoff must be a duration: a number of milliseconds, ${text}, or a list of these, exponential({…}) or a function; got `;
  const item = `must be a duration: a number of milliseconds, or ${text}; got `;
  const known =
    'There are class, queue, args, retry, timeout, limit, unique, track, expires, deadline, middleware, plugins, onSucceeded, onRetrying, onFailed, delivery, perform.';
  const slip = 'must be a duration, and a number without a unit is milliseconds; got ';

  test.each<[Readonly<Record<string, unknown>>, string]>([
    [{ class: undefined }, `${name}undefined.`],
    [{ class: '' }, `${name}"".`],
    [{ class: 42 }, `${name}42.`],
    [{ class: null }, `${name}null.`],
    [{ class: 'mail:*:urgent' }, `${name}"mail:*:urgent".`],
    [{ class: 'mail**' }, `${name}"mail**".`],
    [{ class: '*mail' }, `${name}"*mail".`],
    [{ perform: undefined }, `${hello}perform must be a function; got undefined.`],
    [{ perform: 'hello' }, `${hello}perform must be a function; got "hello".`],
    [{ retires: 3 }, `${hello}there is no option "retires"; got 3. ${known}`],
    [{ timout: '3s' }, `${hello}there is no option "timout" (did you mean "timeout"?); got "3s". ${known}`],
    [{ retry: { tries: 3 } }, `${hello}retry: there is no option "tries"; got 3. There are attempts, backoff.`],
    [{ retry: 5 }, `${hello}retry must be an object, such as { attempts: 3, backoff: '10s' }; got 5.`],
    [{ middleware: [5] }, `${hello}middleware[0] must be a function; got 5.`],
    [{ middleware: 5 }, `${hello}middleware must be a list of functions; got 5.`],
    [{ queue: '' }, `${hello}queue must be a queue name; got "".`],
    [{ queue: 7 }, `${hello}queue must be a queue name; got 7.`],
    [{ timeout: 0 }, `${hello}${timeout}0.`],
    [{ timeout: -1 }, `${hello}${timeout}-1.`],
    [{ timeout: Number.NaN }, `${hello}${timeout}NaN.`],
    [{ timeout: 'soon' }, `${hello}${timeout}"soon".`],
    [{ timeout: '30000' }, `${hello}${timeout}"30000".`],
    [{ args: 'string' }, `${hello}${schema}"string".`],
    [{ args: {} }, `${hello}${schema}{}.`],
    [{ args: () => true }, `${hello}${schema}a function.`],
    [{ retry: { attempts: 0 } }, `${hello}${attempts}0.`],
    [{ retry: { attempts: -1 } }, `${hello}${attempts}-1.`],
    [{ retry: { attempts: 2.5 } }, `${hello}${attempts}2.5.`],
    [{ retry: { attempts: Number.NaN } }, `${hello}${attempts}NaN.`],
    [{ retry: { attempts: -Infinity } }, `${hello}${attempts}-Infinity.`],
    [{ retry: { backoff: -1 } }, `${hello}${backoff}-1.`],
    [{ retry: { backoff: 'soon' } }, `${hello}${backoff}"soon".`],
    [{ retry: { backoff: null } }, `${hello}${backoff}null.`],
    [{ retry: { backoff: [] } }, `${hello}${backoff}[].`],
    [{ retry: { backoff: ['1s', -2] } }, `${hello}retry.backoff[1] ${item}-2.`],
    [{ retry: { backoff: ['2'] } }, `${hello}retry.backoff[0] ${item}"2".`],
    // Meant as seconds: in milliseconds they would be no waits at all.
    [
      { retry: { backoff: [10, 60, 600] } },
      `${hello}retry.backoff[0] ${slip}10. Write '10s' for seconds, or '10ms' if that is meant.`,
    ],
    [
      { retry: { backoff: 999 } },
      `${hello}retry.backoff ${slip}999. Write '999s' for seconds, or '999ms' if that is meant.`,
    ],
    [{ timeout: 30 }, `${hello}timeout ${slip}30. Write '30s' for seconds, or '30ms' if that is meant.`],
    [{ retry: { backoff: Number.NaN } }, `${hello}${backoff}NaN.`],
    [{ retry: { backoff: Infinity } }, `${hello}${backoff}Infinity.`],
    [{ delivery: 'exactly-once' }, `${hello}${delivery}"exactly-once".`],
    [{ delivery: true }, `${hello}${delivery}true.`],
    [{ delivery: null }, `${hello}${delivery}null.`],
    [
      { delivery: 'at-most-once', retry: { attempts: 2 } },
      `${hello}a job with delivery "at-most-once" has one attempt; got retry.attempts 2. Leave retry out, or use "at-least-once".`,
    ],
    [
      { delivery: 'at-most-once', retry: { attempts: 1, backoff: '5s' } },
      `${hello}a job with delivery "at-most-once" is never tried again, so that retry.backoff means nothing. Leave it out, or use "at-least-once".`,
    ],
  ])('%o', (options, message) => {
    expect(() => define(options)).toThrow(new ConfigError(message));
  });
});

describe('what is allowed', () => {
  test.each<[Readonly<Record<string, unknown>>]>([
    [{ class: 'Billing::Charge' }],
    [{ class: 'email:*' }],
    [{ class: '*' }],
    [{ queue: 'billing:high' }],
    [{ timeout: 1_000 }],
    [{ timeout: Infinity }],
    [{ args: z.tuple([z.string()]) }],
    [{ retry: {} }],
    [{ retry: { attempts: 1 } }],
    [{ retry: { backoff: 0 } }],
    [{ retry: { backoff: '500ms' } }],
    [{ retry: { backoff: [0, '1.5s', 60_000] } }],
    [{ retry: { backoff: exponential() } }],
    [{ delivery: 'at-least-once', retry: { attempts: 3 } }],
    [{ delivery: 'at-most-once', retry: { attempts: 1 } }],
  ])('%o is kept as it was given', (options) => {
    expect(define(options)).toEqual({ class: 'Hello', perform, ...options, definedAt: expect.any(String) });
  });
});

test.each([
  ['30s', 30_000],
  ['1h30m', 5_400_000],
  ['5ms', 5],
] as const)('a timeout of %j is %d ms', (timeout, ms) => {
  expect(defineJob({ class: 'Hello', timeout, perform }).timeout).toBe(ms);
});

test.each<[Readonly<Record<string, unknown>>]>([[{}], [{ retry: {} }], [{ retry: undefined }]])(
  'at most once is one attempt, where retry is %o',
  (options) => {
    expect(define({ delivery: 'at-most-once', ...options }).retry).toEqual({ attempts: 1 });
  },
);

test('definedAt is the place of the call', () => {
  const lineOf = (text: string | undefined) => /([^/]+:\d+):\d+\)?$/.exec(text ?? '')?.[1];
  const [definition, here] = [defineJob({ class: 'Hello', perform }), new Error().stack?.split('\n')[1]];
  expect(lineOf(here)).toMatch(/^define\.test\.ts:\d+$/);
  expect(lineOf(definition.definedAt)).toBe(lineOf(here));
  expect(definition.definedAt).toMatch(/^\/.*:\d+:\d+$/);
});
