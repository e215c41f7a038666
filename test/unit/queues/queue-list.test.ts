import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../shared/errors.ts';
import { checkNamed, matcher, matchesQueue, parseQueues, type QueueList } from '../../../shared/queues/queue-list.ts';

/** A pattern as parseQueues reads it. */
const one = (pattern: string, weight = 1, excluded = false) => ({ pattern, weight, excluded });

describe('parseQueues', () => {
  test.each<[string, QueueList]>([
    ['myqueue', { patterns: [one('myqueue')], order: 'strict' }],
    ['critical,default', { patterns: [one('critical'), one('default')], order: 'strict' }],
    [' critical , default ', { patterns: [one('critical'), one('default')], order: 'strict' }],
    ['high=3,low=1', { patterns: [one('high', 3), one('low')], order: 'weighted' }],
    ['high=3,low', { patterns: [one('high', 3), one('low')], order: 'weighted' }],
    ['a=999999', { patterns: [one('a', 999_999)], order: 'weighted' }],
    ['*', { patterns: [one('*')], order: 'strict' }],
    ['*,!mail', { patterns: [one('*'), one('mail', 1, true)], order: 'strict' }],
    ['mail_*,!mail_b?lk', { patterns: [one('mail_*'), one('mail_b?lk', 1, true)], order: 'strict' }],
    ['billing:high', { patterns: [one('billing:high')], order: 'strict' }],
    ['a b,Zoë/x', { patterns: [one('a b'), one('Zoë/x')], order: 'strict' }],
    ['no!,n!o', { patterns: [one('no!'), one('n!o')], order: 'strict' }],
  ])('%j', (text, list) => {
    expect(parseQueues(text)).toEqual(list);
  });

  test.each<[string, QueueList['order']]>([
    ['high=3,low=1', 'strict'],
    ['high,low', 'weighted'],
  ])('%j with the order %s, which was asked for', (text, order) => {
    expect(parseQueues(text, order).order).toBe(order);
  });

  const separated = 'queues must be separated by commas: a name, name=weight, a glob such as mail_*, or !name; got ';
  const weight = (queue: string) => `The weight of queue "${queue}" must be a whole number from 1 to 999999; got `;
  const least = 'queues must name at least one queue to look at, such as "*" or "critical,default"; got ';

  test.each([
    ['', `${separated}"".`],
    [' ', `${separated}" ".`],
    ['a,,b', `${separated}"a,,b".`],
    ['a,', `${separated}"a,".`],
    ['=3', `${separated}"=3".`],
    ['a,!', `${separated}"a,!".`],
    ['!', `${separated}"!".`],
    ['a=', `${weight('a')}"".`],
    ['a=0', `${weight('a')}"0".`],
    ['a=-1', `${weight('a')}"-1".`],
    ['a=1.5', `${weight('a')}"1.5".`],
    ['a=1e3', `${weight('a')}"1e3".`],
    ['a=1000000', `${weight('a')}"1000000".`],
    ['a=b=1', `${weight('a')}"b=1".`],
    ['b,a=many', `${weight('a')}"many".`],
    ['!a', `${least}"!a".`],
    ['!a,!b*', `${least}"!a,!b*".`],
    ['[z-a]', 'The queue pattern "[z-a]" cannot be read; ranges go upwards, as in [a-z].'],
    ['a,!x[9-0]*', 'The queue pattern "x[9-0]*" cannot be read; ranges go upwards, as in [a-z].'],
  ])('refuses %j', (text, message) => {
    expect(() => parseQueues(text)).toThrow(new ConfigError(message));
  });
});

describe('globs match as File.fnmatch does', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['*', ['a', 'a:b', 'a/b', 'line\nbreak', 'Zoë'], []],
    ['a*', ['a', 'ab', 'a/b', 'a*'], ['ba', 'A', '']],
    ['*a', ['a', 'ba'], ['ab']],
    ['a*c', ['ac', 'abc', 'abcbc'], ['ab', 'acb']],
    ['a**c', ['ac', 'abc'], ['ab']],
    ['a?', ['ab', 'a?', 'a/', 'a☃', 'a😀'], ['a', 'abc']],
    ['[a-c]', ['a', 'b', 'c'], ['d', 'ab', '-', '']],
    ['q[0-9]*', ['q0', 'q10', 'q1a'], ['q', 'qa', 'qa1']],
    ['[abc-]', ['a', '-'], ['d']],
    ['[!a]', ['b', '!', '1'], ['a', '']],
    ['[^a]', ['b', '!', '^'], ['a']],
    ['[!a-c]x', ['dx'], ['ax', 'bx', 'x']],
    ['[a!]', ['a', '!'], ['b']],
    ['[a^]', ['a', '^'], ['b']],
    ['{a,b}*', ['{a,b}', '{a,b}x'], ['a', 'b', 'ax']],
    ['a.b*', ['a.b', 'a.bc'], ['axb']],
    ['(a|b)*', ['(a|b)'], ['a', 'b']],
    ['a+b*', ['a+b'], ['aab', 'ab']],
    ['^a$*', ['^a$', '^a$b'], ['a']],
    ['mail:*', ['mail:', 'mail:a:b'], ['mail', 'xmail:a']],
    ['a[]', [], ['a', 'a[]']],
  ])('%s', (glob, matching, others) => {
    expect([...matching, ...others].filter(matcher(glob))).toEqual(matching);
  });

  test('names without one of *?[ are compared as they are', () => {
    for (const name of ['a.b', '{x;y}', 'a]']) expect([name, 'axb', ''].filter(matcher(name))).toEqual([name]);
  });
});

describe('whether a queue is one of a list', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['ledger', ['ledger'], ['ledgers', 'Ledger', '']],
    ['ledger,mail_*', ['ledger', 'mail_', 'mail_bulk'], ['mail', 'other']],
    ['*,!mail_*', ['ledger', 'mail'], ['mail_bulk']],
    ['!a,*,!b', ['c'], ['a', 'b']],
    ['a.b,!axb', ['a.b'], ['axb']],
  ])('%s', (list, its, others) => {
    expect([...its, ...others].filter(matchesQueue(parseQueues(list)))).toEqual(its);
  });
});

describe('a queue that is named', () => {
  const check = (name: string, list: string) => () => checkNamed('limits', [name], parseQueues(list));

  test('is one that the list looks into', () => {
    expect(check('mail_big', 'mail_*,!mail_bulk')).not.toThrow();
  });

  test.each([
    ['mail_bulk', 'mail_*,!mail_bulk', '. The queues are mail_*, !mail_bulk.'],
    ['mail_bulk', 'mail_big,!mail_bulk', ' (did you mean "mail_big"?). The queues are mail_big, !mail_bulk.'],
    ['mail_', '*_mail,!mail_*', '. The queues are *_mail, !mail_*.'],
  ])('%j is none of %j', (name, list, end) => {
    expect(check(name, list)).toThrow(new ConfigError(`limits.${name}: no queue of this name is looked into${end}`));
  });

  test.each(['mail_*', '*', ''])('%j is none', (name) => {
    expect(check(name, '*')).toThrow(`limits: ${JSON.stringify(name)} must be a queue's whole name, not a pattern.`);
  });
});
