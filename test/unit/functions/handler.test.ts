import { describe, expect, test } from 'vitest';
import { bufferedHandler, isHttpEvent } from '../../../functions/runtime/handler.ts';
import type { InvocationContext } from '../../../functions/runtime/invocation.ts';
import { publicError } from '../../../functions/runtime/logger.ts';
import { RedisAuthError } from '../../../shared/errors.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

const HTTP = { version: '2.0', requestContext: { http: { method: 'POST' } } };
const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 1_000 };
const SUMMARY = { processed: 1 };

/** Remembers the invocations that it was told of. */
function functionLogger() {
  const begun: string[] = [];
  return Object.assign(recordingLogger(), {
    begun,
    begin: ({ awsRequestId }: InvocationContext) => void begun.push(awsRequestId),
  });
}

test.each([
  [HTTP, true],
  [{ version: '1.0', requestContext: { http: {} } }, false],
  [{ Records: [] }, false],
  [{}, false],
  [null, false],
  [undefined, false],
  ['text', false],
  [7, false],
])('isHttpEvent %j', (event, expected) => {
  expect(isHttpEvent(event)).toBe(expected);
});

describe('a buffered handler', () => {
  test('answers what was done; 202 over HTTP', async () => {
    const handler = bufferedHandler(async () => SUMMARY, functionLogger());
    expect(await handler({}, context)).toEqual(SUMMARY);
    expect(await handler(HTTP, context)).toMatchObject({ statusCode: 202, body: '{"status":"draining"}' });
  });

  test('logs and throws what went wrong, without what hangs on it', async () => {
    const log = functionLogger();
    const cause = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['pa$$word'] } });
    const handler = bufferedHandler(async () => {
      throw new RedisAuthError('refused', { cause });
    }, log);
    const error = await handler({}, context).catch((one: unknown) => one as Error);
    expect(error).toMatchObject({ name: 'RedisAuthError', message: 'refused' });
    expect((error as Error).cause).toBeUndefined();
    expect(log.lines).toMatchObject([{ level: 'error', message: 'The invocation failed' }]);
    expect(log.begun).toEqual(['r']);
  });
});

test('publicError keeps name, message and stack of anything', () => {
  const error = new TypeError('x');
  expect(publicError(error)).toMatchObject({ name: 'TypeError', message: 'x', stack: error.stack });
  expect(publicError('text')).toMatchObject({ name: 'Error', message: 'text' });
  expect(publicError(null)).toMatchObject({ message: 'null' });
});
