import { describe, expect, test } from 'vitest';
import { ConfigError, defineJob, resqueLock, resqueLoner, resqueRetry, resqueStatus } from '../../../shared/index.ts';
import type { Effect, Job, Outcome, PluginHooks, ResquePlugin } from '../../../shared/types.ts';
import { decode } from '../../../shared/wire/decode.ts';
import { rawJob } from '../../helpers/builders.ts';
import { pluginVectors } from '../../helpers/resque-plugins.ts';

const succeeded: Outcome = { kind: 'succeeded' };
const failed: Outcome = { kind: 'failed', error: new Error('boom') };
const OVER: Outcome[] = [succeeded, failed, { kind: 'discarded', error: 'no' }];
const WAITS: Outcome[] = [
  { kind: 'retried', delay: 1, error: 'boom' },
  { kind: 'released', to: 'head', reason: 'shutdown' },
];

function jobOf(payload: string, queue = 'q'): Job {
  const job = decode(rawJob(payload, { queue }), 'token', 'bigint');
  if (!('class' in job)) throw job.error;
  return job;
}

const hooks = (plugin: ResquePlugin | undefined) => plugin as PluginHooks;
const ended = (plugin: ResquePlugin, payload: string, outcome: Outcome = succeeded) =>
  hooks(plugin).ended?.(jobOf(payload), outcome, 0) ?? [];
const names = (effects: readonly Effect[] = []) =>
  effects.map((one) => (one.kind === 'clearKey' ? one.name : one.kind));

const PLUGINS: Record<string, ResquePlugin> = {
  'resque-retry': resqueRetry(),
  'resque-loner': resqueLoner(),
  'resque-lock': resqueLock(),
};

test.each(pluginVectors().keys)('$gem: $payload has the keys that Ruby gave it', ({ gem, payload, queue, keys }) => {
  const plugin = hooks(PLUGINS[gem.split(' ')[0] ?? '']);
  const job = jobOf(payload, queue);
  const effects = [...(plugin.before?.(job) ?? []), ...(plugin.ended?.(job, succeeded, 0) ?? [])];
  expect(names(effects).map((name) => `resque:${name}`)).toEqual(expect.arrayContaining([...keys]));
});

describe('a hash among the arguments is shown by Ruby 3.4 in another way than before', () => {
  const payload = '{"class":"Sync","args":[{"a":{"b":null}}]}';

  test('resque-lock: both locks go', () => {
    const both = ['lock:Sync-[{"a"=>{"b"=>nil}}]', 'lock:Sync-[{"a" => {"b" => nil}}]'];
    expect(names(ended(resqueLock(), payload))).toEqual(both);
  });

  test('resque-retry: both counters go', () => {
    expect(new Set(names(ended(resqueRetry(), payload)))).toHaveLength(4);
  });
});

test.each([resqueRetry(), resqueLock()])('$gem: what waits for another attempt keeps its keys', (plugin) => {
  const payload = '{"class":"Sync","args":[1]}';
  for (const outcome of WAITS) expect(ended(plugin, payload, outcome)).toEqual([]);
  const all = OVER.map((outcome) => ended(plugin, payload, outcome));
  expect(all[0]).not.toEqual([]);
  expect(new Set(all.map((one) => JSON.stringify(one)))).toHaveLength(1);
});

describe('a class that has a method of its own for it', () => {
  const payload = '{"class":"Ship","args":["a b",12345678901234567890]}';

  test('resque-retry: its identifier, without blanks as Ruby leaves them out', () => {
    const own = resqueRetry({ identifier: (place, number) => `${place}-${number}` });
    const key = 'resque-retry:Ship:ab-12345678901234567890';
    expect(names(ended(own, payload))).toEqual([key, `failure-${key}`]);
  });

  test('resque-loner: its redis_key, and how long it keeps the lock', () => {
    const own = resqueLoner({ key: (place) => `ship ${place}`, lockFor: '1500ms' });
    const effects = hooks(own).before?.(jobOf(payload));
    expect(effects).toEqual([{ kind: 'clearKey', name: 'loners:queue:q:job:ship a b', seconds: 2 }]);
  });

  test('resque-lock: its lock', () => {
    expect(names(ended(resqueLock({ key: () => 'network-graph' }), payload))).toEqual(['network-graph']);
  });
});

test('resque-status: a job without a uuid has no record', () => {
  for (const args of ['[]', '[null,{}]', '[""]', '[7]']) {
    expect(ended(resqueStatus(), `{"class":"Import","args":${args}}`)).toEqual([]);
  }
});

describe('an option that cannot be used is a ConfigError with the option, the value and what is allowed', () => {
  const base = { class: 'Ship', perform: () => {} };

  test.each<[string, () => unknown, string]>([
    [
      'identifier',
      () => resqueRetry({ identifier: 'x' as never }),
      'resqueRetry: identifier must be a function of the job',
    ],
    ['key', () => resqueLock({ key: 5 as never }), "resqueLock: key must be a function of the job's arguments; got 5."],
    ['lockFor', () => resqueLoner({ lockFor: 'soon' as never }), 'resqueLoner: lockFor must be a duration'],
    ['expireIn', () => resqueStatus({ expireIn: -1 }), 'resqueStatus: expireIn must be a duration'],
    [
      'ttl',
      () => resqueStatus({ ttl: 5 } as never),
      'resqueStatus: there is no option "ttl"; got 5. There are expireIn.',
    ],
    [
      'plugins',
      () => defineJob({ ...base, plugins: ['resque-retry'] as never }),
      'defineJob "Ship": plugins must be a list of what resqueRetry(), resqueLoner(), resqueLock() and resqueStatus() return; got ["resque-retry"].',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
  });
});
