import { describe, expect, test } from 'vitest';
import * as errors from '../../shared/errors.ts';

describe('each error', () => {
  const { LambdesqueError, PartlyEnqueuedError, ShardsPartlyEnqueuedError, ...others } = errors;

  test.each(Object.entries(others))('%s has its name, a message and a cause', (name, Kind) => {
    const cause = new Error('why');
    const error = new Kind('what', { cause });
    expect(error).toBeInstanceOf(LambdesqueError);
    expect(error).toMatchObject({ name, message: 'what', cause });
    expect(String(error)).toBe(`${name}: what`);
  });

  test('that a handler throws needs no message', () => {
    expect(new errors.SkipRetry().message).toBe('The handler asked for no further attempt.');
    expect(new errors.Discard().message).toBe('The handler discarded the job.');
  });
});

test('PartlyEnqueuedError says how many of how many were pushed, and why no more', () => {
  const cause = new errors.RedisUnavailableError('Redis is away.');
  const error = new errors.PartlyEnqueuedError(5_000, 12_000, cause);
  expect(error).toBeInstanceOf(errors.LambdesqueError);
  expect(error).toMatchObject({ name: 'PartlyEnqueuedError', pushed: 5_000, total: 12_000, cause });
  expect(error.message).toBe(
    'The first 5000 of 12000 jobs were enqueued, then it failed: Redis is away. Go on with items.slice(5000), of which ' +
      "the next few may be there already, if it was only Redis's answer that was lost.",
  );
});

test('ShardsPartlyEnqueuedError is one of those, and says which are left', () => {
  const cause = new errors.RedisUnavailableError('Redis is away.');
  const error = new errors.ShardsPartlyEnqueuedError([2, 4], 5, { b: cause });
  expect(error).toBeInstanceOf(errors.PartlyEnqueuedError);
  expect(error).toMatchObject({ name: 'ShardsPartlyEnqueuedError', pushed: 2, left: [2, 4], total: 5, cause });
  expect(error.message).toMatch(/^3 of 5 jobs were enqueued; 1 of the shards failed\..* b: Redis is away\.$/);
});

test('MiddlewareError asks for no further attempt', () => {
  expect(new errors.MiddlewareError('twice')).toBeInstanceOf(errors.SkipRetry);
});
