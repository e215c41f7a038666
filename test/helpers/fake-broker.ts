import type { Broker } from '../../shared/broker/broker.ts';

export type Store = Pick<Broker, 'enqueue' | 'enqueueDelayed'>;

/** Keeps what it is given; a call with no jobs is none, as in the real store. */
export class FakeStore implements Store {
  readonly pushes: Parameters<Store['enqueue']>[0][] = [];
  readonly delays: Parameters<Store['enqueueDelayed']>[0][] = [];

  async enqueue(jobs: Parameters<Store['enqueue']>[0]): Promise<void> {
    if (jobs.length > 0) this.pushes.push(jobs.map(({ queue, payload }) => ({ queue, payload })));
  }

  async enqueueDelayed(jobs: Parameters<Store['enqueueDelayed']>[0]): Promise<void> {
    if (jobs.length > 0) this.delays.push(jobs.map(({ seconds, payload }) => ({ seconds, payload })));
  }
}
