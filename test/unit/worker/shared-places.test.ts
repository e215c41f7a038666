import { expect, test } from 'vitest';
import { SharedPlaces } from '../../../shared/worker/shared-places.ts';

function loops(count: number, parts: number) {
  const places = new SharedPlaces(count);
  return Array.from({ length: parts }, () => {
    const part = places.part();
    const woken = { times: 0 };
    part.onFree = () => void woken.times++;
    const take = (jobs: number) => {
      for (let i = 0; i < jobs; i++) part.take();
    };
    return { part, woken, take };
  });
}

test('a busy loop has all places while the others have nothing to start', () => {
  const [a, b] = loops(10, 2) as [ReturnType<typeof loops>[0], ReturnType<typeof loops>[0]];
  expect(a.part.free).toBe(10);
  a.take(10);
  expect([a.part.free, b.part.free]).toEqual([0, 0]);
});

test('one that waits gets its part before those that have theirs, and is told', () => {
  const [a, b] = loops(10, 2) as [ReturnType<typeof loops>[0], ReturnType<typeof loops>[0]];
  a.take(10);
  b.part.filled(7);
  expect(b.part.isWaiting).toBe(true);
  for (let ended = 1; ended <= 5; ended++) {
    a.part.give();
    expect(b.woken.times).toBe(ended);
    expect([a.part.free, b.part.free]).toEqual([0, 1]);
    b.take(1);
    b.part.filled(7 - ended);
  }
  // From here on both have theirs: a place that one gives back is its own again.
  a.part.give();
  expect(a.part.free).toBe(1);
});

test('what was kept for one that does not need it any more is told to the others', () => {
  const [a, b] = loops(2, 2) as [ReturnType<typeof loops>[0], ReturnType<typeof loops>[0]];
  a.take(2);
  b.part.filled(1);
  a.part.give();
  expect(a.part.free).toBe(0);
  b.part.filled(0);
  expect(a.woken.times).toBe(1);
  expect(a.part.free).toBe(1);
});

test('the part of a loop that ended is the others’, and what it waited for too', () => {
  const [a, b] = loops(2, 2) as [ReturnType<typeof loops>[0], ReturnType<typeof loops>[0]];
  a.take(2);
  b.part.filled(1);
  a.part.give();
  expect(a.part.free).toBe(0);
  b.part.leave();
  expect(a.woken.times).toBe(1);
  expect(a.part.free).toBe(1);
});
