import type { Broker, HeldJob, Recovered, Reservation, SyncReply, SyncRequest } from '../../shared/broker/broker.ts';
import { isPlainDone } from '../../shared/broker/ops/operation.ts';
import type { Attempts, Effect, RawJob, Settlement, SettleOp } from '../../shared/types.ts';
import { workerId } from '../../shared/wire/worker-id.ts';
import { RunTally } from '../../shared/worker/run-tally.ts';
import { starting } from './builders.ts';

/** Milliseconds. */
export const LEASE = 60_000;
const MOST_BYTES = 64 * 1_048_576;

export type Reserving = Omit<Reservation, 'firstSeq'>;
/** What a test says of a sync. @property lease milliseconds @default `LEASE` */
export type SyncPlan = Partial<Omit<SyncRequest, 'worker' | 'call' | 'reserve'>> & { readonly reserve?: Reserving };

/** A worker as the real one is one: it numbers its syncs and jobs, and registers with its first sync. */
export class TestWorker {
  readonly id: string;
  readonly #store: Broker;
  #call = 0;
  #seq = 0;

  constructor(store: Broker, id = workerId('test', process.pid, ['*'])) {
    this.id = id;
    this.#store = store;
  }

  /** Its next request, not sent yet: to send it twice. */
  next({ reserve, ...plan }: SyncPlan = {}): SyncRequest {
    const ran = new RunTally();
    for (const one of plan.settle ?? []) {
      const { run, raw } = one;
      if (!run || !isPlainDone(one)) continue;
      ran.add(raw.queue, run.class ?? '', run.outcome === 'succeeded', run.ms, run.wait ?? Number.NaN);
    }
    return {
      lease: LEASE,
      settle: [],
      ran: ran.take(),
      ...(this.#call === 0 ? { register: true as const } : {}),
      ...plan,
      worker: this.id,
      call: ++this.#call,
      ...(reserve ? { reserve: { ...reserve, firstSeq: this.#seq } } : {}),
    };
  }

  async send(request: SyncRequest): Promise<SyncReply> {
    const result = await this.#store.sync(request);
    if (result.kind === 'lease lost') throw new Error(`${this.id} has lost its lease`);
    if (result.kind === 'no place') throw new Error(`There is no place for ${this.id}`);
    if (result.kind === 'writes lost') throw new Error(`Redis does not know of the last sync of ${this.id}`);
    this.#seq = Math.max(this.#seq, ...result.jobs.map((job) => job.seq + 1));
    return result;
  }

  async sync(plan?: SyncPlan): Promise<SyncReply> {
    return this.send(this.next(plan));
  }

  /** Reserves from the queues in strict order. */
  async take(queues: string | readonly string[], count = 100): Promise<readonly RawJob[]> {
    return (await this.sync({ reserve: from(queues, count) })).jobs;
  }

  /** Takes exactly one job. */
  async takeOne(queue: string): Promise<RawJob> {
    const [job] = await this.take(queue, 1);
    if (!job) throw new Error(`Queue ${queue} is empty.`);
    return job;
  }

  /** At-most-once jobs are about to start. */
  start(...jobs: readonly RawJob[]): Promise<boolean[]> {
    return this.#store.start(this.id, jobs.map(starting));
  }

  /** After an answer that writes were lost; the request that got it can be sent again. */
  recover(held: readonly HeldJob[]): Promise<Recovered> {
    return this.#store.recover(this.id, this.#call - 1, held);
  }

  unregister(): Promise<number> {
    return this.#store.unregister(this.id);
  }
}

/** A reservation from the queues in strict order, of a worker that has nothing else to do. */
export function from(queues: string | readonly string[], count = 100, rest: Partial<Reserving> = {}): Reserving {
  const shares = [queues].flat().map((queue) => ({ queue, limit: count }));
  return {
    count,
    bytes: MOST_BYTES,
    shares,
    listQueues: false,
    countLeft: false,
    suspects: count,
    alone: 'ifNothingElse',
    ...rest,
  };
}

/** The same from queues of which the worker was told that they are serial. */
export function fromSerial(queues: string | readonly string[], count = 100, rest: Partial<Reserving> = {}): Reserving {
  const shares = [queues].flat().map((queue) => ({ queue, limit: count, serial: true }));
  return from(queues, count, { shares, ...rest });
}

export function settled(raw: RawJob, outcome: SettleOp, effects: readonly Effect[] = [], marked = false): Settlement {
  return { raw, marked, outcome, effects };
}

export const done = (raw: RawJob): Settlement => settled(raw, { kind: 'done' });
export const release = (raw: RawJob, to: 'head' | 'tail' = 'head'): Settlement => settled(raw, { kind: 'release', to });
export const fail = (raw: RawJob, head = '<', tail = '>'): Settlement => settled(raw, { kind: 'fail', head, tail });
export const failText = (raw: RawJob, head = '<', tail = '>') => settled(raw, { kind: 'failText', head, tail });
export const failBinary = (raw: RawJob, entry: string) => settled(raw, { kind: 'failBinary', entry });
/** @param delay milliseconds until it is due */
export function retry(raw: RawJob, record: Partial<Attempts> = {}, delay = 0): Settlement {
  return settled(raw, { kind: 'retry', delay, record: { id: `retry-${raw.seq}`, attempts: 1, deaths: 0, ...record } });
}
export const texts = (jobs: readonly RawJob[]) => jobs.map((job) => job.bytes.toString());
