import { describe, expect, test } from 'vitest';
import { consumerSettings, schedulerSettings } from '../../../functions/contract/settings.ts';
import { ConfigError } from '../../../shared/errors.ts';

const TOKEN = { service: 'secretsmanager', id: 'arn:aws:secretsmanager:eu-central-1:1:secret:token' };
const CONSUMER = {
  redis: { kind: 'upstash', url: 'https://x.upstash.io', token: TOKEN },
  system: 'Shop-Jobs',
  namespace: 'resque:',
  metricsNamespace: 'Lambdesque',
  consumer: 'default',
  queues: 'critical,default',
  concurrency: 25,
  maxWorkers: 10,
};
const { consumer: _, queues, concurrency, maxWorkers, ...COMMON } = CONSUMER;
const SCHEDULER = {
  ...COMMON,
  consumers: { default: { functionName: 'fn', queues, concurrency, maxWorkers, maxEventAge: 60_000, order: 'strict' } },
};

/** With one field at `path` changed. */
function changed(settings: object, path: string, value: unknown): string {
  const copy = structuredClone(settings) as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const inner = keys.reduce((one, key) => one[key] as Record<string, unknown>, copy);
  inner[last] = value;
  return JSON.stringify(copy);
}

describe('a consumer’s', () => {
  test('are what the variable holds', () => {
    const full = {
      ...CONSUMER,
      order: 'strict',
      lease: 30_000,
      unknownClass: 'release',
      linger: 0,
      limits: { reports: { running: 2, rate: '100/1m' }, mail: { running: 1 } },
      logArgs: true,
      classMetrics: true,
      redis: { kind: 'tcp', url: 'rediss://host:6380', auth: { ...TOKEN, field: 'password' } },
    };
    expect(consumerSettings(JSON.stringify(full))).toEqual(full);
    expect(consumerSettings(JSON.stringify(CONSUMER))).toEqual(CONSUMER);
  });

  test.each<[string, unknown, string]>([
    ['consumer', 'a b', 'made of letters'],
    ['consumer', undefined, 'made of letters'],
    ['queues', '', 'a list of queues'],
    ['queues', '!a', 'at least one queue'],
    ['queues', 'a=0', 'weight'],
    ['order', 'random', '"strict" or "weighted"; got "random"'],
    ['concurrency', 0, 'a whole number, 1 or more; got 0'],
    ['concurrency', '25', 'a whole number, 1 or more; got "25"'],
    ['concurrency', 2.5, 'a whole number'],
    ['lease', 10, '1000 or more'],
    ['linger', -1, '0 or more'],
    ['unknownClass', 'drop', '"fail" or "release"'],
    ['serial', 'yes', 'true or false'],
    ['limits', 'q=2', 'must be an object'],
    ['limits', { q: 2 }, 'LAMBDESQUE_SETTINGS.limits.q must be an object'],
    ['limits', { q: { running: 0 } }, 'limits.q.running must be a whole number, 1 or more; got 0'],
    ['limits', { q: { rate: '100' } }, 'a number of jobs and a time, such as "100/1m"; got "100"'],
    ['logArgs', 1, 'true or false'],
    ['classMetrics', null, 'true or false'],
    ['system', 'a b', 'made of letters, digits, ".", "_" and "-"; got "a b"'],
    ['namespace', '', 'the prefix of every key'],
    ['metricsNamespace', undefined, 'a CloudWatch namespace'],
    ['redis', undefined, 'must be an object; it is missing'],
    ['redis', 'redis://localhost', 'must be an object'],
    ['redis.kind', 'memcached', '"upstash" or "tcp"; got "memcached"'],
    ['redis.url', 7, 'a URL, or where a secret is kept; got number'],
    ['redis.url', { service: 'vault' }, '"secretsmanager" or "ssm"'],
    ['redis.token', 'the-token-itself', 'must be an object'],
    ['redis.token', { service: 'ssm' }, 'the name of a parameter'],
    ['redis.token', { service: 'secretsmanager', id: 'x', field: '' }, 'a key of the JSON object'],
  ])('are refused: %s %j', (path, value, message) => {
    const read = () => consumerSettings(changed(CONSUMER, path, value));
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
  });

  test('are missed where the variable is not set', () => {
    expect(() => consumerSettings(undefined)).toThrow('LAMBDESQUE_SETTINGS is not set');
  });

  test.each(['', 'not JSON: s3cret', '"s3cret"', '["s3cret"]', 'null'])('must be an object: %s', (text) => {
    let message = '';
    try {
      consumerSettings(text);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('LAMBDESQUE_SETTINGS');
    expect(message).not.toContain('s3cret');
  });

  test('show no password that stands where it should not', () => {
    const settings = changed(CONSUMER, 'redis.token', 's3cret');
    expect(() => consumerSettings(settings)).toThrow(/^((?!s3cret)[\s\S])*$/);
  });
});

describe('a scheduler’s', () => {
  test('are what the variable holds', () => {
    expect(schedulerSettings(JSON.stringify(SCHEDULER))).toEqual(SCHEDULER);
    expect(schedulerSettings(JSON.stringify({ ...COMMON, consumers: {} })).consumers).toEqual({});
  });

  test.each<[string, unknown, string]>([
    ['consumers', undefined, 'LAMBDESQUE_SETTINGS.consumers must be an object; it is missing'],
    ['consumers.default', 7, 'LAMBDESQUE_SETTINGS.consumers.default must be an object'],
    ['consumers.default.functionName', '', 'the name or ARN of a function'],
    ['consumers.default.maxWorkers', 0, 'a whole number, 1 or more'],
    ['consumers.default.queues', 'a=b', 'weight'],
    ['consumers.default.concurrency', null, 'LAMBDESQUE_SETTINGS.consumers.default.concurrency'],
    ['failed', 7, 'LAMBDESQUE_SETTINGS.failed must be an object'],
    ['failed', { max: -1 }, 'LAMBDESQUE_SETTINGS.failed.max must be a whole number, 0 or more; got -1'],
    ['failed', { age: 10 }, 'LAMBDESQUE_SETTINGS.failed.age must be milliseconds, 1000 or more; got 10'],
  ])('are refused: %s %j', (path, value, message) => {
    expect(() => schedulerSettings(changed(SCHEDULER, path, value))).toThrow(message);
  });

  test('name consumers as worker ids can hold them', () => {
    const consumers = { 'a b': SCHEDULER.consumers.default };
    expect(() => schedulerSettings(JSON.stringify({ ...COMMON, consumers }))).toThrow('got "a b"');
  });
});
