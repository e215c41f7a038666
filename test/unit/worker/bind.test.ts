import { createRegistry, defineJob } from 'lambdesque';
import { describe, expect, test } from 'vitest';
import { MOST_DEATHS, type Outcome } from '../../../shared/types.ts';
import { spliceText } from '../../../shared/wire/attempts.ts';
import { Binder } from '../../../shared/worker/bind.ts';
import { PrefetchBuffer } from '../../../shared/worker/prefetch-buffer.ts';
import { rawJob } from '../../helpers/builders.ts';

const record = spliceText({ id: 'a-1', attempts: 2, deaths: MOST_DEATHS - 1 });
const atRisk = rawJob(`{${record}"class":"Hello","args":[]}`);

function intake() {
  const ended: Outcome['kind'][] = [];
  const undecodable: unknown[] = [];
  const one = new Binder({
    registry: createRegistry([defineJob({ class: 'Hello', perform() {} })]),
    options: { numbers: 'bigint', unknownClass: 'release', attempts: 5 },
    token: 'token',
    onEnd: (_job, outcome) => ended.push(outcome.kind),
    onUndecodable: (bad) => undecodable.push(bad),
  });
  const waiting = new PrefetchBuffer();
  return {
    one,
    waiting,
    ended,
    undecodable,
    accept: (...raws: ReturnType<typeof rawJob>[]) => one.accept(raws, waiting, false, 0),
  };
}

describe('jobs that come in', () => {
  test('are not looked into until they start', () => {
    const { one, waiting, undecodable, accept } = intake();
    accept(rawJob('{"class":"Hello"}'), rawJob('no JSON'));
    expect([waiting.size, undecodable.length]).toEqual([2, 0]);
    expect(one.bind(waiting.next() as never)?.job.class).toBe('Hello');
    expect(one.bind(waiting.next() as never)).toBeUndefined();
    expect(undecodable).toHaveLength(1);
  });

  test('are looked into at once if asked for', () => {
    const { one, waiting, ended } = intake();
    one.accept([rawJob('{"class":"Other"}'), rawJob('{"class":"Hello"}')], waiting, true, 0);
    expect([waiting.size, ended]).toEqual([1, ['released']]);
  });
});

describe('one that is a death away from the failed list', () => {
  test('keeps others like it away until it has left', () => {
    const { one, accept } = intake();
    accept(rawJob('{"class":"Hello"}'));
    expect(one.mayRisk).toBe(true);
    accept(atRisk);
    expect(one.mayRisk).toBe(false);
    one.left(rawJob('{}'));
    expect(one.mayRisk).toBe(false);
    one.left(atRisk);
    expect(one.mayRisk).toBe(true);
  });

  test('has left when it turns out that it cannot be read', () => {
    const { one, undecodable, accept } = intake();
    const broken = rawJob(`{${record}"class":`);
    accept(broken);
    expect(one.mayRisk).toBe(false);
    one.bind(broken);
    expect(undecodable).toHaveLength(1);
    expect(one.mayRisk).toBe(true);
  });
});
