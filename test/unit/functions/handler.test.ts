import { describe, expect, test } from 'vitest';
import {
  bufferedHandler,
  isHttpEvent,
  type ResponseStream,
  streamingHandler,
} from '../../../functions/runtime/handler.ts';
import { publicError } from '../../../functions/runtime/logger.ts';
import { RedisAuthError } from '../../../shared/errors.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

const HTTP = { version: '2.0', requestContext: { http: { method: 'POST' } } };
const URL_CALL = {
  ...HTTP,
  requestContext: { ...HTTP.requestContext, domainName: 'abc.lambda-url.eu-central-1.on.aws' },
};
const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 1_000 };
const SUMMARY = { processed: 1 };

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
    const handler = bufferedHandler(async () => SUMMARY, recordingLogger());
    expect(await handler({}, context)).toEqual(SUMMARY);
    expect(await handler(HTTP, context)).toMatchObject({ statusCode: 202, body: '{"status":"draining"}' });
  });

  test('logs and throws what went wrong, without what hangs on it', async () => {
    const log = recordingLogger();
    const cause = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['pa$$word'] } });
    const handler = bufferedHandler(async () => {
      throw new RedisAuthError('refused', { cause });
    }, log);
    const error = await handler({}, context).catch((one: unknown) => one as Error);
    expect(error).toMatchObject({ name: 'RedisAuthError', message: 'refused' });
    expect((error as Error).cause).toBeUndefined();
    expect(log.lines).toMatchObject([{ level: 'error', message: 'The invocation failed', fields: { requestId: 'r' } }]);
  });
});

describe('a streaming handler', () => {
  function start(work: () => Promise<object>) {
    const events: string[] = [];
    const stream: ResponseStream = {
      write: (chunk) => events.push(`write ${chunk}`),
      end: () => events.push('end'),
      setContentType: (type) => events.push(`type ${type}`),
    };
    const log = recordingLogger();
    const runtime = {
      streamifyResponse: <Handler>(handler: Handler) => handler,
      HttpResponseStream: {
        from(inner: ResponseStream, { statusCode }: { statusCode: number }) {
          events.push(`head ${statusCode}`);
          return inner;
        },
      },
    };
    const handler = streamingHandler(
      async () => {
        events.push('work');
        return work();
      },
      log,
      runtime,
    );
    return { events, log, run: (event: unknown) => handler(event, stream, context) };
  }

  test('ends a Function URL’s response before the work begins', async () => {
    const { events, run } = start(async () => SUMMARY);
    expect(await run(URL_CALL)).toBeUndefined();
    expect(events).toEqual(['head 202', 'write {"status":"draining"}', 'end', 'work']);
  });

  test('answers API Gateway, which takes no stream, at the end', async () => {
    const { events, run } = start(async () => SUMMARY);
    await run(HTTP);
    expect(events).toHaveLength(4);
    expect(JSON.parse(events[2]?.replace('write ', '') ?? '')).toMatchObject({ statusCode: 202 });
  });

  test('writes the answer of any other event when it is there', async () => {
    const { events, run } = start(async () => SUMMARY);
    await run({});
    expect(events).toEqual(['work', 'type application/json', 'write {"processed":1}', 'end']);
  });

  test('throws, but not after a response has ended: the runtime could not tell it', async () => {
    const { log, run } = start(async () => {
      throw new Error('no');
    });
    await expect(run({})).rejects.toThrow('no');
    await expect(run(URL_CALL)).resolves.toBeUndefined();
    expect(log.lines).toHaveLength(2);
  });
});

test('publicError keeps name, message and stack of anything', () => {
  const error = new TypeError('x');
  expect(publicError(error)).toMatchObject({ name: 'TypeError', message: 'x', stack: error.stack });
  expect(publicError('text')).toMatchObject({ name: 'Error', message: 'text' });
  expect(publicError(null)).toMatchObject({ message: 'null' });
});
