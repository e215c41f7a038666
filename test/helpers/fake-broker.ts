import type { WorkerBroker } from '../../shared/broker/broker.ts';

export type Store = Pick<WorkerBroker, 'enqueue' | 'enqueueDelayed' | 'enqueueControlled' | 'time' | 'close'>;

/** Keeps what it is given; a call with no jobs is none, as in the real store. Its clock is a test's to move. */
export class FakeStore implements Store {
  readonly pushes: Parameters<Store['enqueue']>[0][] = [];
  readonly delays: Parameters<Store['enqueueDelayed']>[0][] = [];
  readonly #controlled: Parameters<Store['enqueueControlled']>[0][] = [];
  readonly #time: () => number;
  #asked = 0;
  #closed = 0;

  /** @param time epoch ms */
  constructor(time: () => number = () => 0) {
    this.#time = time;
  }

  async enqueue(jobs: Parameters<Store['enqueue']>[0]): Promise<void> {
    if (jobs.length > 0) this.pushes.push(jobs.map(({ queue, payload }) => ({ queue, payload })));
  }

  async enqueueDelayed(jobs: Parameters<Store['enqueueDelayed']>[0]): Promise<void> {
    if (jobs.length > 0) this.delays.push(jobs.map(({ seconds, payload }) => ({ seconds, payload })));
  }

  async enqueueControlled(jobs: Parameters<Store['enqueueControlled']>[0]): ReturnType<Store['enqueueControlled']> {
    this.#controlled.push([...jobs]);
    return jobs.map(() => 'enqueued');
  }

  async time(): Promise<number> {
    this.#asked++;
    return this.#time();
  }

  async close(): Promise<void> {
    this.#closed++;
  }

  /** How often it was asked for the time. */
  get asked(): number {
    return this.#asked;
  }

  /** Unique and tracked jobs, by call. */
  get controlled(): readonly Parameters<Store['enqueueControlled']>[0][] {
    return this.#controlled;
  }

  get closed(): number {
    return this.#closed;
  }
}
