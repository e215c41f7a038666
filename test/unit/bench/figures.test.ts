import { expect, test } from 'vitest';
import { Tally } from '../../bench/peers/run-counts.ts';
import { atLeast, atMost, barsTable } from '../../bench/report.ts';
import { rounds, spread } from '../../bench/rounds.ts';

test('the median of an even number of runs lies between the middle two', () => {
  expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
});

test('those that are compared take turns, and the first round does not count', async () => {
  const order: string[] = [];
  const entrant = (name: string) => ({ name, run: async () => order.push(name) });
  const results = await rounds([entrant('A'), entrant('B')], { quick: false, runs: 2 });
  expect(order.join(' ')).toBe('A B A B A B');
  expect(results.map(({ name, min, max }) => [name, min, max])).toEqual([
    ['A', 3, 5],
    ['B', 4, 6],
  ]);
});

test('a job that did not run, or ran again, is an error', () => {
  const tally = new Tally(3);
  tally.mark(0);
  tally.mark(1);
  tally.mark(1);
  expect(() => tally.check()).toThrow('Of 3 jobs, 1 did not run and 1 ran more than once.');
});

test('a bar that is not met gives its reason', () => {
  const text = barsTable([
    atLeast('rate', 90, 80, { unit: ' %', reason: (measured) => `${measured} was all there was` }),
    atMost('trips', 3, 2),
  ]);
  expect(text).toMatch(/rate +≥ 90 % +80 % +NO\n/);
  expect(text).toMatch(/trips +≤ 3 +2 +yes\n/);
  expect(text).toContain('rate: 80 was all there was');
});
