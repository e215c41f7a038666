import { expect, test } from 'vitest';
import { inOrder, troubleOf } from '../../../../functions/dashboard/trouble.ts';
import { queueInfo } from '../../../helpers/infos.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms);

test('an empty queue, and one that is drained in time, have none', () => {
  expect(troubleOf(queueInfo('empty', { workers: [] }), NOW)).toEqual({ points: 0, reasons: [] });
  const busy = queueInfo('busy', { size: 9, oldest: ago(60_000), rates: { in: 100, out: 100, failed: 0 } });
  expect(troubleOf(busy, NOW).reasons).toEqual([]);
});

test('each has its reason, the worst first', () => {
  const bad = queueInfo('bad', { size: 5, workers: [], oldest: ago(3_600_000), rates: { in: 9, out: 3, failed: 1 } });
  expect(troubleOf(bad, NOW).reasons).toEqual([
    'no worker takes its jobs',
    'its first job has waited 1 h',
    '33% of its runs fail',
    'more comes than is done',
  ]);
  expect(troubleOf({ ...bad, paused: true }, NOW).reasons[0]).toBe('paused, with jobs in it');
});

test('the order is by trouble, then by length and name; or as asked', () => {
  const queues = [
    queueInfo('b-fine'),
    queueInfo('a-fine'),
    queueInfo('long', { size: 1_000_000, rates: { in: 1, out: 9, failed: 0 } }),
    queueInfo('waits', { size: 2, oldest: ago(600_000) }),
    queueInfo('dead', { size: 1, workers: [] }),
  ];
  const names = (order: Parameters<typeof inOrder>[1]) => inOrder(queues, order, NOW).map((one) => one.queue.name);
  expect(names('trouble')).toEqual(['dead', 'waits', 'long', 'a-fine', 'b-fine']);
  expect(names('size').slice(0, 3)).toEqual(['long', 'waits', 'dead']);
  expect(names('wait')[0]).toBe('waits');
  expect(names('rate')[0]).toBe('long');
  expect(names('name')).toEqual(['a-fine', 'b-fine', 'dead', 'long', 'waits']);
});
