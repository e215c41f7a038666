import type { SyncRequest, SyncResult, WorkerBroker } from '../../shared/broker/broker.ts';
import { type Clock, sleep } from '../../shared/clock.ts';
import type { RawJob } from '../../shared/types.ts';

/** One answered sync, as Redis saw it. */
export interface SeenSync {
  readonly worker: string;
  /** When Redis carried it out. */
  readonly at: number;
  /** Jobs asked for. */
  readonly wanted: number;
}

interface Hold {
  readonly worker: string;
  readonly since: number;
}

/**
 * One queue in memory, and brokers to it whose every call takes a round trip on a test's clock. It keeps account of the
 * jobs that a worker holds and has not started: handlers have to say which one they start.
 *
 * The jobs are `{"class":"Job","args":[<number>]}`, from 0, and there are always more, until `end`. Of what a worker can
 * ask for it knows only settling and reserving.
 */
export class FarRedis {
  readonly queue = 'q';
  readonly syncs: SeenSync[] = [];
  /** The longest that a job was held and had not started, ms on Redis's clock. */
  longestHold = 0;
  readonly #clock: Clock;
  readonly #rtt: number;
  /** By job. */
  readonly #unstarted = new Map<number, Hold>();
  /** The same, how many by worker. */
  readonly #counts = new Map<string, number>();
  /** Given back, to be reserved before all others. */
  readonly #back: number[] = [];
  #next = 0;
  #end = Infinity;

  /** @param rtt of each call, ms, above 0; half of it each way */
  constructor(clock: Clock, rtt: number) {
    this.#clock = clock;
    this.#rtt = rtt;
  }

  /** A worker's connection. */
  broker(): WorkerBroker {
    const never = () => Promise.reject(new Error('A far broker in memory only syncs.'));
    return {
      address: 'memory',
      sync: (request) => this.#far(() => this.#sync(request)),
      start: (_worker, jobs) => this.#far(() => jobs.map(() => true)),
      recover: never,
      parkAhead: never,
      unregister: () => this.#far(() => 0),
      ping: () => this.#far(() => undefined),
      time: () => this.#far(() => this.#clock.now()),
      queues: () => this.#far(() => [this.queue]),
      enqueue: never,
      enqueueDelayed: never,
      enqueueControlled: never,
      close: async () => {},
    };
  }

  /** The queue is empty from now on, but for what is given back. */
  end(): void {
    this.#end = this.#next;
  }

  /** A handler has begun with this job. */
  started(id: number): void {
    this.#noLongerUnstarted(id);
  }

  /** How many jobs a worker holds that it has not started. */
  unstarted(worker: string): number {
    return this.#counts.get(worker) ?? 0;
  }

  async #far<T>(carryOut: () => T): Promise<T> {
    await sleep(this.#clock, this.#rtt / 2);
    const answer = carryOut();
    await sleep(this.#clock, this.#rtt / 2);
    return answer;
  }

  #sync({ worker, settle, reserve }: SyncRequest): SyncResult {
    for (const { outcome, raw } of settle) {
      if (outcome.kind !== 'release') continue;
      const id = idOf(raw);
      this.#noLongerUnstarted(id);
      this.#back.push(id);
    }
    this.#back.sort((a, b) => a - b);
    const wanted = reserve?.count ?? 0;
    this.syncs.push({ worker, at: this.#clock.now(), wanted });
    const jobs: RawJob[] = [];
    while (reserve && jobs.length < wanted) {
      const id = this.#back.shift() ?? (this.#next < this.#end ? this.#next++ : undefined);
      if (id === undefined) break;
      this.#unstarted.set(id, { worker, since: this.#clock.now() });
      this.#count(worker, 1);
      jobs.push(rawOf(id, this.queue, reserve.firstSeq + jobs.length));
    }
    const more = this.#back.length > 0 || this.#next < this.#end;
    return {
      kind: 'held',
      now: this.#clock.now(),
      missing: 0,
      refused: [],
      wrong: [],
      jobs,
      paused: false,
      pausedQueues: [],
      pausedHasJobs: false,
      more,
      passedOver: { forPlace: 0, forWorker: 0 },
      alone: false,
      heldElsewhere: false,
      serial: [],
      queues: [],
      left: new Map(),
    };
  }

  #noLongerUnstarted(id: number): void {
    const hold = this.#unstarted.get(id);
    if (!hold) return;
    this.longestHold = Math.max(this.longestHold, this.#clock.now() - hold.since);
    this.#unstarted.delete(id);
    this.#count(hold.worker, -1);
  }

  #count(worker: string, by: 1 | -1): void {
    this.#counts.set(worker, this.unstarted(worker) + by);
  }
}

function rawOf(id: number, queue: string, seq: number): RawJob {
  const text = `{"class":"Job","args":[${id}]}`;
  return { queue, seq, size: text.length, bytes: Buffer.from(text), text };
}

function idOf({ text = '' }: RawJob): number {
  return (JSON.parse(text) as { readonly args: readonly [number] }).args[0];
}
