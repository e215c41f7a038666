import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../shared/errors.ts';
import type { JobDefaults } from '../../../shared/job/defaults.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { defineActiveJob } from '../../../shared/job/define-active-job.ts';
import { createRegistry, wrapHandlers } from '../../../shared/job/registry.ts';
import { aContext } from '../../helpers/builders.ts';

const perform = (args: readonly unknown[]) => args;
const Mail = defineJob({ class: 'Mail', queue: 'mailers', perform });
const Slow = defineJob({ class: 'Slow', timeout: '1h', retry: { attempts: 2 }, perform });
const Any = defineJob({ class: 'import:*', perform });
const Welcome = defineActiveJob({ job: 'Admin::WelcomeJob', perform });
const all = [Mail, Slow, Any, Welcome];

const registryWith = (defaults: JobDefaults) => createRegistry(all, [], defaults);

describe('options by pattern', () => {
  const registry = registryWith({
    'Ma?l': { timeout: '30s', limit: { running: 5, key: ([tenant]) => String(tenant) } },
    'mail*': { retry: { attempts: 10 }, timeout: '1m', expires: '10m' },
    'Admin::*': { deadline: '1h' },
    'import:users': { unique: { while: 'queued' } },
    '*': { timeout: '5m', track: true },
  });
  const found = (name: string, queue?: string, activeJob = false) =>
    registry.handlerFor(name, activeJob, queue)?.definition;

  test('fit by class or by queue, the first that says it counts, and the definition itself counts more', () => {
    expect(found('Mail', 'other')).toMatchObject({ timeout: 30_000, limit: { running: 5 }, track: true });
    expect(found('Mail', 'other')).not.toHaveProperty('retry');
    expect(found('Mail', 'mail_eu')).toMatchObject({ timeout: 30_000, retry: { attempts: 10 }, expires: 600_000 });
    expect(found('Slow', 'mailers')).toMatchObject({ timeout: 3_600_000, retry: { attempts: 2 }, expires: 600_000 });
    expect(found('Admin::WelcomeJob', 'q', true)).toMatchObject({
      deadline: 3_600_000,
      timeout: 300_000,
      activeJob: {},
    });
    expect(found('import:users')).toMatchObject({ class: 'import:*', unique: { while: 'queued' } });
    expect(found('import:orders')).not.toHaveProperty('unique');
    expect(found('Nobody', 'mailers')).toBeUndefined();
  });

  test('where no queue is named, by the definition’s own', () => {
    expect(found('Mail')).toMatchObject({ retry: { attempts: 10 } });
  });

  test('give the same handler each time, so that what is known of it is kept', () => {
    const [one, other] = [registry.handlerFor('Slow', false, 'a'), registry.handlerFor('Slow', false, 'b')];
    expect(other).toBe(one);
    expect(registry.handlerFor('Slow', false, 'mailers')).not.toBe(one);
    let wrapped = 0;
    const around = wrapHandlers(registry, (handler) => ({
      ...handler,
      run(...given) {
        wrapped++;
        return handler.run(...given);
      },
    }));
    for (let n = 0; n < 20_000; n++)
      expect(around.handlerFor('Slow', false, `made-up-${n}`)).toBe(around.handlerFor('Slow'));
    expect(around.handlerFor('Slow')?.run(['x'], aContext)).toEqual(['x']);
    expect(wrapped).toBe(1);
  });

  test('none: the definition itself, and nothing is looked up', () => {
    const plain = createRegistry(all);
    expect(plain.defaults).toBeUndefined();
    expect(plain.handlerFor('Mail', false, 'q')?.definition).toBe(Mail);
    expect(registryWith({ nothing: { timeout: '1s' } }).handlerFor('Mail', false, 'q')?.definition).toBe(Mail);
  });

  test.each<[string, unknown, string]>([
    ['no object', [], 'defaults must be options by pattern'],
    ['an empty pattern', { '': { timeout: '1s' } }, 'a pattern is one class or queue'],
    ['several in one', { 'mail,news': { timeout: '1s' } }, 'a pattern is one class or queue, or has a *'],
    ['what is left out', { '!mail': { timeout: '1s' } }, 'got "!mail"'],
    ['a pattern that cannot be read', { '[z-a]': { timeout: '1s' } }, '[z-a]'],
    ['options that are none', { 'mail*': '30s' }, 'defaults.mail*: options must be an object; got "30s"'],
    [
      'an unknown option',
      { 'mail*': { timeuot: '1s' } },
      'defaults.mail*: there is no option "timeuot" (did you mean "timeout"?); got "1s"',
    ],
    ['an option of one class alone', { 'mail*': { class: 'Mail' } }, 'there is no option "class"'],
    ['a timeout', { 'mail*': { timeout: 30 } }, 'defaults.mail*: timeout'],
    ['attempts', { 'mail*': { retry: { attempts: 0 } } }, 'defaults.mail*: retry'],
    ['a limit', { 'mail*': { limit: { running: 0 } } }, 'defaults.mail*: limit: running must be a whole number'],
    ['unique', { 'mail*': { unique: { while: 'always' } } }, 'defaults.mail*: unique.while'],
    ['expires', { 'mail*': { expires: 'soon' } }, 'defaults.mail*: expires'],
    ['track', { 'mail*': { track: { result: 'long' } } }, 'defaults.mail*'],
  ])('checked like a definition: %s', (_, defaults, message) => {
    expect(() => registryWith(defaults as JobDefaults)).toThrow(ConfigError);
    expect(() => registryWith(defaults as JobDefaults)).toThrow(message);
  });
});
