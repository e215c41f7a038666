/** Which jobs there are: every outcome with every kind of work, by every way into Redis. */
import type { Random } from '../helpers/chaos-random.ts';

/** Names of classes in helpers/chaos-jobs.ts, which say how their jobs end. */
export type ChaosClass = 'Succeed' | 'OneAttempt' | 'Flaky' | 'Fail' | 'Skip' | 'Drop' | 'Once' | 'OnceFail';

/** `push` is RPUSH, as any program may do it; the others go through the client's `enqueueAll`. */
export type Way = 'push' | 'client' | 'delayed';

export type Work = readonly ['noop'] | readonly ['wait' | 'spin', ms: number];

export interface PlannedJob {
  readonly id: string;
  readonly class: ChaosClass;
  readonly work: Work;
  readonly queue: string;
  readonly way: Way;
  /** Of a delayed one: from its push until it is due. */
  readonly seconds: number;
}

/** What became of a job's push. */
export interface PushedJob extends PlannedJob {
  /** Nobody knows if Redis took it: its client got an error in place of an answer. */
  readonly unsure: boolean;
  /** Epoch ms before which it must not start. */
  readonly dueAt: number;
}

export const QUEUES = ['a', 'b', 'c'] as const;
/** Serial: its jobs run one at a time, in order. */
export const LEDGER = 'ledger';

const CLASSES: Readonly<Record<ChaosClass, number>> = {
  Succeed: 45,
  OneAttempt: 5,
  Flaky: 15,
  Fail: 10,
  Skip: 5,
  Drop: 5,
  Once: 12,
  OnceFail: 3,
};
const WORKS = { noop: 40, short: 50, long: 3, spin: 7 } as const;
const WAYS: Readonly<Record<Way, number>> = { push: 70, client: 20, delayed: 10 };
/** Of a hundred jobs, so many are in the serial queue. */
const SERIAL = 8;

export function plan(count: number, random: Random): PlannedJob[] {
  return Array.from({ length: count }, (_, i): PlannedJob => {
    const id = `j${i + 1}`;
    const work = workOf(random);
    // A retry would run behind those that came later; and only a push of our own has a certain place.
    if (random.int(1, 100) <= SERIAL) {
      return {
        id,
        class: 'Succeed',
        work: work[1] && work[1] > 20 ? ['noop'] : work,
        queue: LEDGER,
        way: 'push',
        seconds: 0,
      };
    }
    const way = random.weighted(WAYS);
    const seconds = way === 'delayed' ? random.int(1, 4) : 0;
    return { id, class: random.weighted(CLASSES), work, queue: random.pick(QUEUES), way, seconds };
  });
}

function workOf(random: Random): Work {
  switch (random.weighted(WORKS)) {
    case 'noop':
      return ['noop'];
    case 'short':
      return ['wait', random.int(5, 20)];
    case 'long':
      return ['wait', random.int(100, 400)];
    case 'spin':
      return ['spin', random.int(3, 12)];
  }
}
