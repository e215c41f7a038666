import { describe, expect, test } from 'vitest';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { QueueSelector } from '../../../shared/queues/queue-selector.ts';
import { seededRandom } from '../../helpers/builders.ts';

/** The queues that a list stands for among `names`, in their order. */
function select(list: string, names: readonly string[]): string[] {
  const selector = new QueueSelector(parseQueues(list));
  selector.update(names);
  return selector.shares(1).map((share) => share.queue);
}

describe('which queues, in strict order', () => {
  const names = ['mail_bulk', 'critical', 'mail_fast', 'default'];

  test.each<[string, readonly string[]]>([
    ['default,critical', ['default', 'critical']],
    ['*', ['critical', 'default', 'mail_bulk', 'mail_fast']],
    ['mail_*', ['mail_bulk', 'mail_fast']],
    ['default,*', ['default', 'critical', 'mail_bulk', 'mail_fast']],
    ['*,default', ['critical', 'default', 'mail_bulk', 'mail_fast']],
    ['mail_fast,mail_*,critical', ['mail_fast', 'mail_bulk', 'critical']],
    ['*,!mail_bulk', ['critical', 'default', 'mail_fast']],
    ['!mail_*,*', ['critical', 'default']],
    ['critical,default,!critical', ['default']],
    ['absent', ['absent']],
    ['absent,abs*', ['absent']],
    ['a,b,a', ['a', 'b']],
    ['x*', []],
    ['*,!*', []],
  ])('%s', (list, queues) => {
    expect(select(list, names)).toEqual(queues);
  });

  test('each may fill the whole batch', () => {
    const selector = new QueueSelector(parseQueues('a,b'));
    expect(selector.shares(25)).toEqual([
      { queue: 'a', limit: 25 },
      { queue: 'b', limit: 25 },
    ]);
  });

  test('a list of names needs no look at what is there; one with globs does', () => {
    expect(new QueueSelector(parseQueues('a,b')).dynamic).toBe(false);
    expect(new QueueSelector(parseQueues('a,b,!a')).dynamic).toBe(false);
    for (const glob of ['*', 'a*', 'a?', '[ab]', 'b,a*']) {
      expect(new QueueSelector(parseQueues(glob)), glob).toMatchObject({ dynamic: true });
    }
  });

  test('update tells whether the names have changed, whatever their order', () => {
    const selector = new QueueSelector(parseQueues('*'));
    expect(selector.shares(1)).toEqual([]);
    expect(selector.update(['b', 'a'])).toBe(true);
    expect(selector.update(['a', 'b'])).toBe(false);
    expect(selector.update(['a', 'b', 'c'])).toBe(true);
    expect(selector.shares(1).map((share) => share.queue)).toEqual(['a', 'b', 'c']);
    expect(selector.update(['c'])).toBe(true);
    expect(selector.shares(1).map((share) => share.queue)).toEqual(['c']);
  });
});

describe('in proportion to the weights', () => {
  /** How many of `count` jobs each queue gives, if none runs empty; the part of a batch that its quotas make. */
  function quotas(selector: QueueSelector, count: number): Map<string, number> {
    const shares = selector.shares(count);
    const queues = new Set(shares.map((share) => share.queue)).size;
    return new Map(shares.slice(0, shares.length - queues).map(({ queue, limit }) => [queue, limit]));
  }

  const weighted = (list: string, seed = 1) => new QueueSelector(parseQueues(list), seededRandom(seed));

  test.each([
    ['a=3,b=1', 4],
    ['a=3,b=1', 25],
    ['a=3,b=1', 1],
    ['a=5,b=3,c=2', 7],
    ['a=1,b=1,c=1', 2],
    ['a=1000,b=1', 1_000],
  ])('the quotas of %s sum up to the batch of %i, none by more than one off its part', (list, count) => {
    const patterns = parseQueues(list).patterns;
    const total = patterns.reduce((sum, { weight }) => sum + weight, 0);
    for (let seed = 1; seed <= 50; seed++) {
      const parts = quotas(weighted(list, seed), count);
      expect([...parts.values()].reduce((sum, limit) => sum + limit, 0)).toBe(count);
      for (const { pattern, weight } of patterns) {
        expect(Math.abs((parts.get(pattern) ?? 0) - (count * weight) / total)).toBeLessThan(1);
      }
    }
  });

  test('what divides evenly is divided so', () => {
    expect([...quotas(weighted('a=3,b=2,c=1'), 12)].sort()).toEqual([
      ['a', 6],
      ['b', 4],
      ['c', 2],
    ]);
  });

  test('after the quotas comes every queue again, up to the whole batch: what some leave, others give', () => {
    const shares = weighted('a=3,b=1').shares(4);
    expect(shares.slice(0, 2).sort((x, y) => y.limit - x.limit)).toEqual([
      { queue: 'a', limit: 3 },
      { queue: 'b', limit: 1 },
    ]);
    expect(shares.slice(2).sort((x, y) => x.queue.localeCompare(y.queue))).toEqual([
      { queue: 'a', limit: 4 },
      { queue: 'b', limit: 4 },
    ]);
  });

  test('a queue without a quota is not left out', () => {
    const shares = weighted('a=1000,b=1').shares(1);
    expect(shares).toHaveLength(3);
    expect(new Set(shares.map((share) => share.queue))).toEqual(new Set(['a', 'b']));
    expect(shares.every((share) => share.limit === 1)).toBe(true);
  });

  test.each([
    ['a=3,b=1', 1],
    ['a=3,b=1', 2],
    ['a=3,b=1', 3],
    ['a=3,b=1', 4],
    ['a=3,b=1', 25],
    ['a=9,b=1', 5],
    ['a=9,b=9,c=2', 2],
    ['a=1,b=1', 1],
    ['a=5,b=3,c=2', 1],
    ['a=5,b=3,c=2', 10],
  ])('in the long run %s get their parts, in batches of %i', (list, count) => {
    const rounds = 20_000;
    const selector = weighted(list);
    const sums = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      for (const [queue, limit] of quotas(selector, count)) sums.set(queue, (sums.get(queue) ?? 0) + limit);
    }
    const { patterns } = parseQueues(list);
    const total = patterns.reduce((sum, { weight }) => sum + weight, 0);
    for (const { pattern, weight } of patterns) {
      const part = (sums.get(pattern) ?? 0) / (rounds * count);
      expect(Math.abs(part - weight / total), `${pattern} got ${part}`).toBeLessThan(0.02);
    }
  });

  test('a heavier queue tends to come first', () => {
    const selector = weighted('a=3,b=1');
    let first = 0;
    for (let round = 0; round < 10_000; round++) if (selector.shares(4)[0]?.queue === 'a') first++;
    expect(first / 10_000).toBeCloseTo(0.75, 1);
  });

  test('each queue of a glob has the weight of the first pattern that matches it', () => {
    const selector = weighted('a1=4,a*=1');
    selector.update(['a1', 'a2', 'a3']);
    expect([...quotas(selector, 6)].sort()).toEqual([
      ['a1', 4],
      ['a2', 1],
      ['a3', 1],
    ]);
  });

  test('a single queue may fill the batch', () => {
    expect(weighted('a=3').shares(7)).toEqual([{ queue: 'a', limit: 7 }]);
  });
});
