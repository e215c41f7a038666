import { describe, expect, test } from 'vitest';
import { keysOf } from '../../../shared/broker/keys.ts';
import { namespaceOf } from '../../../shared/broker/namespace.ts';
import { ConfigError } from '../../../shared/errors.ts';

test.each([
  ['myapp', 'myapp:'],
  ['myapp:', 'myapp:'],
  ['{x}', '{x}:'],
  ['{x}:', '{x}:'],
  ['resque:staging', 'resque:staging:'],
  ['a{b}c', 'a{b}c:'],
  ['my app', 'my app:'],
])('%s means %s, in every place that takes a namespace', (given, prefix) => {
  expect(namespaceOf(given)).toBe(prefix);
  expect(keysOf(given).queue('q')).toBe(`${prefix}queue:q`);
  expect(keysOf(given).rubyScheduler).toBe(`${prefix}${prefix}resque_scheduler_master_lock`);
});

test('the default is Resque’s own; in a cluster the same as a hash tag', () => {
  expect(namespaceOf(undefined)).toBe('resque:');
  expect(namespaceOf(undefined, true)).toBe('{resque}:');
});

test.each(['', ':', ' resque', 'resque:\n'])('%j is refused', (given) => {
  expect(() => namespaceOf(given)).toThrow(ConfigError);
});

describe('in a cluster', () => {
  test.each(['{x}', 'app:{x}:', '{a}{}:'])('%s is a hash tag', (given) => {
    expect(namespaceOf(given, true)).toMatch(/:$/);
  });

  test.each([
    ['myapp', '{myapp}:'],
    ['resque:', '{resque}:'],
    ['{}app', '{app}:'],
    ['{app', '{app}:'],
    ['app}x{y}', undefined],
  ])('%s is none', (given, remedy) => {
    if (remedy === undefined) expect(namespaceOf(given, true)).toBe(`${given}:`);
    else expect(() => namespaceOf(given, true)).toThrow(`such as ${remedy}`);
  });
});
