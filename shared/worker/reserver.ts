import type { Reservation, SyncReply } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { WorkerOptions } from '../config.ts';
import type { BoundJob } from '../job/registry.ts';
import type { RawJob } from '../types.ts';
import type { Batches } from './batches.ts';
import type { Gates } from './gates.ts';
import type { ParkAhead } from './park-ahead.ts';
import type { Prefetch } from './prefetch.ts';
import type { PrefetchBuffer } from './prefetch-buffer.ts';
import type { QueuePoller } from './queue-poller.ts';
import type { RunningJobs } from './running-jobs.ts';
import type { SerialQueues } from './serial-queues.ts';
import type { Shutdown } from './shutdown.ts';
import type { Suspects } from './suspects.ts';

export interface ReserverDeps {
  readonly clock: Clock;
  readonly options: Pick<WorkerOptions, 'heldBytes' | 'batchBytes' | 'releaseAfter'>;
  readonly prefetch: Prefetch;
  readonly poller: QueuePoller;
  readonly serial: SerialQueues;
  readonly buffer: PrefetchBuffer;
  readonly gates: Gates;
  readonly batches: Batches;
  readonly parkAhead: ParkAhead;
  readonly running: RunningJobs;
  readonly suspects: Suspects;
  readonly shutdown: Shutdown;
}

/** A late job that is about to start may wait for so many ms more. */
const SOON_MS = 40;
/** A database that is so far away, ms, gives as many bytes again in one answer; at most so many times as many. */
const FAR_MS = 20;
const MOST_BATCHES = 4;

/** How many jobs to reserve, when and where; what came of it; and which to give back because others could start them sooner. */
export class Reserver {
  /** Nothing is reserved, and what waits goes back. */
  paused = false;
  readonly #deps: ReserverDeps;
  /** Jobs that were late were to start soon: they are looked at again then. */
  #lookAgainAt = -Infinity;

  constructor(deps: ReserverDeps) {
    this.#deps = deps;
  }

  /** Jobs that are held and have not ended. */
  get held(): number {
    return this.#deps.running.used + this.#deps.buffer.total + this.#waiting;
  }

  /** For leave, or for company. */
  get #waiting(): number {
    return this.#deps.gates.size + this.#deps.batches.size;
  }

  /** How many jobs to ask for now. */
  wanted(): number {
    const { running, buffer, gates, batches, shutdown, suspects, prefetch, options } = this.#deps;
    if (shutdown.why || this.paused || suspects.blocks(this.held) || batches.isFull) return 0;
    if (running.bytes + buffer.bytes + gates.bytes + batches.bytes >= options.heldBytes) return 0;
    return prefetch.want(running.free, buffer.startable);
  }

  /** Should jobs be asked for now? @param now on our clock */
  isDue(now: number): boolean {
    const { poller, buffer, prefetch } = this.#deps;
    if (this.wanted() === 0) return false;
    if (poller.serialMore.size > 0 && this.#wantsSerial()) return true;
    return now >= poller.restUntil && buffer.startable <= prefetch.low;
  }

  /** When queues that were empty are looked at again, on our clock; Infinity where nothing is wanted. */
  get restUntil(): number {
    const { restUntil } = this.#deps.poller;
    return restUntil > 0 && this.wanted() > 0 ? restUntil : Infinity;
  }

  reservation(count: number, now: number): Omit<Reservation, 'firstSeq'> {
    const { poller, serial, prefetch, options, running, buffer, suspects, parkAhead } = this.#deps;
    const where = poller.where(count, now);
    const shares = parkAhead.reserving(where.shares).flatMap((share) => {
      if (!serial.has(share.queue)) return share;
      const limit = Math.min(share.limit, this.#serialLimit(share.queue));
      return limit > 0 ? { ...share, limit, serial: true } : [];
    });
    return {
      ...where,
      shares,
      count,
      // The further the database, the more has to be on its way.
      bytes: Math.floor(options.batchBytes * Math.min(MOST_BATCHES, 1 + prefetch.roundTrip / FAR_MS)),
      suspects: Math.max(0, running.free - buffer.startable),
      alone: suspects.mayTake(this.held),
    };
  }

  /** What a reservation brought. @param bind looks into a job; undefined where it cannot run, and has ended */
  accept(asked: Omit<Reservation, 'firstSeq'>, reply: SyncReply, bind: (raw: RawJob) => BoundJob | undefined): void {
    const { clock, serial, poller, suspects, buffer, prefetch, parkAhead } = this.#deps;
    const now = clock.now();
    serial.learn(reply.serial.map(({ queue }) => queue));
    suspects.reserved(reply, asked.alone, poller.looksAtAll);
    const counts = new Map<string, number>();
    // Whether there are jobs of other classes has to be known before the next look.
    const looksInto = poller.countsUnknown;
    for (const raw of reply.jobs) {
      if (serial.has(raw.queue)) {
        serial.held.add(raw.queue);
        counts.set(raw.queue, (counts.get(raw.queue) ?? 0) + 1);
      }
      const job = looksInto ? bind(raw) : raw;
      if (job) buffer.add(job, now);
    }
    for (const queue of counts.keys()) this.noteSerial(queue);
    parkAhead.reserved(reply.jobs);
    prefetch.reserved(asked.count, reply.jobs.length);
    for (const { queue, limit, serial: isSerial } of asked.shares) {
      if (!isSerial) continue;
      serial.prefetch(queue).answered(prefetch.roundTrip);
      serial.prefetch(queue).reserved(limit, counts.get(queue) ?? 0);
    }
    poller.looked(asked, reply, now);
    parkAhead.looked();
  }

  /** A serial queue's jobs came, or one of them has started or ended. */
  noteSerial(queue: string): void {
    const { serial, buffer, clock } = this.#deps;
    const runs = buffer.isBusy(queue);
    serial.note(queue, clock.now(), buffer.held(queue) - (runs ? 1 : 0), runs);
  }

  /** When waiting jobs are to be looked at, since they may start too late; on our clock. */
  get releaseAt(): number {
    const { buffer, shutdown, prefetch, options } = this.#deps;
    if (buffer.total + this.#waiting === 0) return Infinity;
    if (shutdown.why || this.paused) return -Infinity;
    return Math.max(buffer.since + options.releaseAfter + prefetch.roundTrip, this.#lookAgainAt);
  }

  /**
   * The waiting jobs that others shall have: at the rate that was measured last, they would start too late. What can be
   * known of that is known with the first sync after jobs have become slower.
   */
  takeLate(): RawJob[] {
    const { buffer, gates, batches, clock, prefetch, suspects, shutdown, poller, options } = this.#deps;
    if (buffer.total + this.#waiting === 0) return [];
    const all = shutdown.why !== undefined || this.paused;
    const now = clock.now();
    const latest = options.releaseAfter + SOON_MS + prefetch.roundTrip;
    const isLate = now >= this.releaseAt;
    if (isLate) this.#lookAgainAt = now + SOON_MS;
    const rate = prefetch.rate ?? (isLate ? 0 : Infinity);
    const raws = all ? [...buffer.takeAll(), ...gates.take(), ...batches.take()] : buffer.takeLate(now, rate, latest);
    if (raws.length === 0) return raws;
    for (const raw of raws) suspects.left(raw);
    if (prefetch.rate === undefined) prefetch.released();
    // They are in their queues again: none of those is empty.
    poller.reset();
    return raws;
  }

  /** What waits of paused queues, to be given back. */
  takePaused(queues: readonly string[]): RawJob[] {
    const { buffer, gates, batches, suspects, poller } = this.#deps;
    if (queues.length === 0 || buffer.total + this.#waiting === 0) return [];
    const paused = new Set(queues);
    const isPaused = ({ queue }: RawJob) => paused.has(queue);
    const raws = [...buffer.take(isPaused), ...gates.take(isPaused), ...batches.take(isPaused)];
    if (raws.length === 0) return raws;
    for (const raw of raws) suspects.left(raw);
    for (const queue of new Set(raws.map((raw) => raw.queue))) if (this.#deps.serial.has(queue)) this.noteSerial(queue);
    poller.reset();
    return raws;
  }

  /** Some serial queue that has more needs it. */
  #wantsSerial(): boolean {
    const { poller, buffer, serial } = this.#deps;
    for (const queue of poller.serialMore) {
      const held = buffer.held(queue);
      if (held === 0 || (held - 1 <= serial.prefetch(queue).low && this.#serialLimit(queue) > 0)) return true;
    }
    return false;
  }

  #serialLimit(queue: string): number {
    return this.#deps.serial.prefetch(queue).want(1, this.#deps.buffer.held(queue));
  }
}
