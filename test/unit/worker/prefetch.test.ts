import { describe, expect, test } from 'vitest';
import { Prefetch } from '../../../shared/worker/prefetch.ts';

const options = { concurrency: 10, ahead: 100, batchCount: 1_000 };

type State = 'startable' | 'busy' | 'dry';

/** A prefetch, and a worker that does something for a while. */
function begin(given: Partial<typeof options> = {}) {
  const prefetch = new Prefetch({ ...options, ...given });
  let time = 0;
  const is = (state: State) =>
    prefetch.now(
      time,
      state === 'startable' ? 1 : 0,
      state === 'busy' ? 0 : state === 'dry' ? { ...options, ...given }.concurrency : 1,
    );
  is('busy');
  return {
    prefetch,
    /** So many jobs start and end within so many ms, in which there was always one to start, or no place, or no job. */
    run(jobs: number, ms: number, state: State = 'busy') {
      is(state);
      for (let i = 0; i < jobs; i++) {
        prefetch.jobStarted();
        prefetch.jobEnded();
      }
      time += ms;
      is(state);
      prefetch.measure();
    },
    is,
  };
}

/** One whose jobs have ended at a rate for a long time, in full places; any number can be started. */
function steady(perSecond: number, given: Partial<typeof options> = {}): Prefetch {
  const { prefetch, run } = begin(given);
  for (let second = 1; second <= 50; second++) run(perSecond, 1_000);
  return prefetch;
}

/** Lets the most that is asked for grow to so many. */
function grown(prefetch: Prefetch, upTo: number): Prefetch {
  for (let batch = 10; batch < upTo; batch *= 2) prefetch.reserved(batch, batch);
  return prefetch;
}

describe('how many to ask for', () => {
  test('at first the free places', () => {
    const { prefetch } = begin();
    expect(prefetch.want(10, 0)).toBe(10);
    expect(prefetch.want(4, 0)).toBe(4);
    expect(prefetch.want(0, 0)).toBe(0);
  });

  test('not those for which jobs wait already', () => {
    const { prefetch } = begin();
    expect(prefetch.want(4, 3)).toBe(1);
    expect(prefetch.want(4, 9)).toBe(0);
  });

  test('never more than the largest batch', () => {
    const { prefetch } = begin({ concurrency: 50, batchCount: 7 });
    expect(prefetch.want(50, 0)).toBe(7);
    prefetch.reserved(7, 7);
    expect(prefetch.want(50, 0)).toBe(7);
  });

  test('a batch that came full may be followed by one twice as large, another not', () => {
    const prefetch = steady(100_000);
    // The worker was idle once, before the first came.
    expect(prefetch.want(10, 0)).toBe(10);
    prefetch.reserved(10, 9);
    expect(prefetch.want(10, 0)).toBe(10);
    prefetch.reserved(10, 10);
    expect(prefetch.want(10, 0)).toBe(20);
    prefetch.reserved(20, 20);
    prefetch.reserved(3, 3);
    expect(prefetch.want(10, 0)).toBe(40);
    expect(grown(prefetch, 4_000).want(10, 0)).toBe(1_000);
  });

  test('by one four times as large, where the worker had nothing to do meanwhile; that counts once', () => {
    const { prefetch, run, is } = begin();
    run(100_000, 1_000);
    is('dry');
    is('busy');
    prefetch.reserved(10, 10);
    expect(prefetch.want(10, 0)).toBe(40);
    prefetch.reserved(40, 40);
    expect(prefetch.want(10, 0)).toBe(80);
  });

  test('the free places and what ends within `ahead`', () => {
    const prefetch = grown(steady(1_000), 320);
    expect(prefetch.ahead).toBe(100);
    expect(prefetch.want(10, 0)).toBe(110);
    expect(prefetch.want(0, 90)).toBe(10);
  });
});

describe('where Redis is far', () => {
  test('as many more as end within two round trips: what is asked for now has to last until the next ones come', () => {
    const prefetch = steady(1_000);
    prefetch.answered(150);
    expect(prefetch).toMatchObject({ roundTrip: 150, ahead: 400 });
  });

  test('the next ones are asked for when those that wait last for a round trip and half of `ahead`', () => {
    const prefetch = steady(1_000);
    expect(prefetch.low).toBe(50);
    prefetch.answered(150);
    expect(prefetch.low).toBeCloseTo(350);
  });

  test('a shorter round trip counts at once, a longer one by a quarter', () => {
    const { prefetch } = begin();
    expect(prefetch.roundTrip).toBe(0);
    prefetch.answered(80);
    expect(prefetch.roundTrip).toBe(80);
    prefetch.answered(20);
    expect(prefetch.roundTrip).toBe(20);
    prefetch.answered(100);
    expect(prefetch.roundTrip).toBe(40);
  });

  test('nothing is reserved ahead before a rate was measured', () => {
    const { prefetch } = begin();
    prefetch.answered(150);
    expect(prefetch).toMatchObject({ ahead: 0, low: 0 });
  });

  test('the time that the worker waits for it does not look like slow jobs', () => {
    const { prefetch, run } = begin();
    for (let i = 0; i < 20; i++) {
      run(20, 10);
      run(0, 150, 'dry');
    }
    prefetch.answered(150);
    expect(prefetch.ahead).toBe(800);
  });
});

describe('one reservation', () => {
  /** Whose largest reservation is not what limits it. */
  const quick = () => grown(steady(1_000_000, { batchCount: 20_000 }), 20_000);

  test('is no larger where Redis is near: it would only take longer', () => {
    const prefetch = quick();
    prefetch.answered(1, 1_000);
    expect(prefetch).toMatchObject({ ahead: 2_000 });
    expect(prefetch.want(10, 0)).toBe(1_000);
  });

  test('has as many more as run in the distance to Redis, without what all the jobs took that came', () => {
    const prefetch = quick();
    prefetch.answered(13, 1_000);
    expect(prefetch.want(10, 0)).toBe(11_000);
  });

  test('grows little where a round trip was longer for once, as on a busy machine', () => {
    const prefetch = quick();
    prefetch.answered(3, 1_000);
    prefetch.answered(35, 1_000);
    expect(prefetch.want(10, 0)).toBe(2_000);
    for (let i = 0; i < 200; i++) prefetch.answered(13, 1_000);
    expect(prefetch.want(10, 0)).toBeGreaterThan(10_900);
  });
});

describe('jobs that had to be released because they could not start', () => {
  test('halve the next batch', () => {
    const prefetch = grown(steady(100_000), 80);
    expect(prefetch.want(10, 0)).toBe(80);
    prefetch.released();
    expect(prefetch.want(10, 0)).toBe(40);
    prefetch.reserved(40, 40);
    expect(prefetch.want(10, 0)).toBe(80);
  });

  test('leave one at least', () => {
    const prefetch = steady(100_000);
    for (let i = 0; i < 20; i++) prefetch.released();
    expect(prefetch.want(10, 0)).toBe(1);
  });
});

describe('handlers that burn CPU', () => {
  test('are reserved as the event loop can start them, though places are free', () => {
    const { prefetch, run } = begin();
    // Each takes 50 ms, and while it does nothing else starts.
    for (let i = 0; i < 40; i++) run(1, 50, 'startable');
    expect(prefetch.want(10, 0)).toBe(2);
    expect(prefetch.want(9, 1)).toBe(1);
  });

  test('one at least, however slow', () => {
    const { prefetch, run } = begin();
    for (let i = 0; i < 40; i++) run(1, 5_000, 'startable');
    expect(prefetch.want(10, 0)).toBe(1);
    expect(prefetch.want(10, 1)).toBe(0);
  });

  test('that are not there are not seen: full places and a lack of jobs are no time in which one could start', () => {
    const { prefetch, run } = begin();
    run(100, 1, 'startable');
    run(0, 5_000, 'busy');
    run(0, 5_000, 'dry');
    run(100, 1, 'startable');
    expect(prefetch.want(10, 0)).toBe(10);
  });

  test('how fast jobs start is known by the lower of both rates', () => {
    const cpu = begin();
    expect(cpu.prefetch.rate).toBeUndefined();
    for (let i = 0; i < 40; i++) cpu.run(1, 10, 'startable');
    expect(cpu.prefetch.rate).toBeCloseTo(0.1);
    const waits = begin();
    waits.run(1_000, 1, 'startable');
    for (let i = 0; i < 40; i++) waits.run(1, 15, 'busy');
    expect(waits.prefetch.rate).toBeCloseTo(1 / 15);
  });
});

describe('the rate', () => {
  test('is none before anything was measured', () => {
    expect(begin().prefetch.ahead).toBe(0);
  });

  test('rises by half of the difference at each measure', () => {
    const { prefetch, run } = begin();
    run(400, 1_000);
    expect(prefetch.ahead).toBe(40);
    run(800, 1_000);
    expect(prefetch.ahead).toBe(60);
    run(800, 1_000);
    expect(prefetch.ahead).toBe(70);
  });

  test('that rises by a hundred times is known after a few measures', () => {
    const { prefetch, run } = begin();
    run(100, 1_000);
    for (let i = 0; i < 7; i++) run(1_000, 100);
    expect(prefetch.ahead).toBeGreaterThan(0.99 * 1_000);
  });

  test('falls at once', () => {
    const { prefetch, run } = begin();
    for (let i = 0; i < 50; i++) run(1_000, 1_000);
    run(50, 1_000);
    expect(prefetch.ahead).toBe(5);
    run(0, 1_000);
    expect(prefetch.ahead).toBe(0);
  });

  test('is not measured over too short a time with too few jobs: they count later', () => {
    const { prefetch, run } = begin();
    run(9, 99);
    expect(prefetch.ahead).toBe(0);
    run(1, 101);
    expect(prefetch.ahead).toBe(5);
  });

  test('is measured after `ahead` ms with few jobs, and sooner with as many as there are places', () => {
    const long = begin();
    long.run(9, 100);
    expect(long.prefetch.ahead).toBe(9);
    const many = begin();
    many.run(10, 20);
    expect(many.prefetch.ahead).toBe(50);
  });

  test('of jobs that take no time is no reason to reserve without end', () => {
    const { prefetch, run } = begin();
    run(50, 0);
    expect(prefetch.ahead).toBe(2 * options.batchCount);
    run(50, 1_000);
    expect(prefetch.ahead).toBe(5);
  });

  test('reserves no further ahead than two of the largest batches, nor at all if told so', () => {
    expect(steady(100_000, { batchCount: 30 }).ahead).toBe(60);
    expect(steady(100_000, { ahead: 0 })).toMatchObject({ ahead: 0 });
  });
});
