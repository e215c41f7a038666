import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../shared/errors.ts';
import { type AnyJobDefinition, defineJob } from '../../../shared/job/define.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { aContext } from '../../helpers/builders.ts';

const job = (name: string) => defineJob({ class: name, perform: (args) => [name, ...args] });

describe('finding a handler', () => {
  const registry = createRegistry([job('email:*'), job('Hello'), job('email:bulk:*'), job('email:bulk:exact')]);

  test.each([
    ['Hello', 'Hello'],
    ['email:welcome', 'email:*'],
    ['email:', 'email:*'],
    ['email:bulk:news', 'email:bulk:*'],
    ['email:bulk:', 'email:bulk:*'],
    ['email:bulk', 'email:*'],
    ['email:bulk:exact', 'email:bulk:exact'],
    ['email:bulk:exactly', 'email:bulk:*'],
    ['email:*', 'email:*'],
    ['email:bulk:*', 'email:bulk:*'],
  ])('%s is handled by %s: an exact name first, then the longest prefix', (name, definition) => {
    expect(registry.handlerFor(name)?.definition.class).toBe(definition);
    expect(registry.handlerFor(name)?.definition.class, 'the second time').toBe(definition);
  });

  test.each(['Hell', 'Hello2', 'hello', 'email', 'xemail:a', '', '__proto__', 'constructor', '*'])(
    'nothing handles %j',
    (name) => {
      expect(registry.handlerFor(name)).toBeUndefined();
      expect(registry.handlerFor(name), 'the second time').toBeUndefined();
    },
  );

  test('the order of the definitions does not matter', () => {
    const reversed = createRegistry([...registry.definitions].reverse());
    expect(reversed.handlerFor('email:bulk:news')?.definition.class).toBe('email:bulk:*');
    expect(reversed.handlerFor('email:bulk:exact')?.definition.class).toBe('email:bulk:exact');
  });

  test('a lone * handles what nothing else does', () => {
    const all = createRegistry([job('*'), job('Hello'), job('a*')]);
    expect(['Hello', 'abc', 'Other', '', '*'].map((name) => all.handlerFor(name)?.definition.class)).toEqual([
      'Hello',
      'a*',
      '*',
      '*',
      '*',
    ]);
  });

  test('a payload that says Hello* does not mean the class Hello, and one that says x* is handled by the prefix x', () => {
    expect(createRegistry([job('Hello')]).handlerFor('Hello*')).toBeUndefined();
    expect(createRegistry([job('x*')]).handlerFor('x*')?.definition.class).toBe('x*');
  });

  test('more made-up names than are remembered are still told apart', () => {
    const names = Array.from({ length: 1_500 }, (_, i) => [`email:${i}`, `other:${i}`]).flat();
    const found = names.map((name) => registry.handlerFor(name)?.definition.class);
    expect(new Set(found.filter((_, i) => i % 2 === 0))).toEqual(new Set(['email:*']));
    expect(new Set(found.filter((_, i) => i % 2 === 1))).toEqual(new Set([undefined]));
  });

  test('the handler runs perform with the arguments and the context', () => {
    const hello = defineJob({ class: 'Hello', perform: (args, ctx) => [...args, ctx] });
    expect(createRegistry([hello]).handlerFor('Hello')?.run(['hi', 2], aContext)).toEqual(['hi', 2, aContext]);
  });

  test('definitions are all of them, in their order', () => {
    const definitions = [job('b'), job('a*'), job('c')];
    expect(createRegistry(definitions).definitions).toEqual(definitions);
  });
});

describe('a list that cannot be used', () => {
  test.each(['Hello', 'email:*'])('%s defined twice is an error that names both places', (name) => {
    const first = { ...job(name), definedAt: '/jobs/a.ts:3:14' };
    const second = { ...job(name), definedAt: '/jobs/b.ts:7:21' };
    expect(() => createRegistry([first, job('Other'), second])).toThrow(
      new ConfigError(
        `The class "${name}" is defined twice: at /jobs/a.ts:3:14 and at /jobs/b.ts:7:21. Remove one, or give it another class.`,
      ),
    );
  });

  test('the same definition twice is an error as well', () => {
    const hello = job('Hello');
    expect(() => createRegistry([hello, hello])).toThrow(/defined twice/);
  });

  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['Hello', 'string'],
    [{ class: 'Hello', perform: () => {} }, 'object'],
    [{ class: 'Hello', definedAt: 'here' }, 'object'],
    [() => {}, 'function'],
  ])('%o in it is no definition', (entry, kind) => {
    expect(() => createRegistry([job('Other'), entry as AnyJobDefinition])).toThrow(
      new ConfigError(
        `A list of jobs must hold what defineJob returns; entry 1 is ${kind}. Export it like: export default [Hello, Report];`,
      ),
    );
  });
});
