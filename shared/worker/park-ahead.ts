import type { AskedGate } from '../broker/admission.ts';
import type { SyncReply, WorkerBroker, WrongKey } from '../broker/broker.ts';
import { RedisUnavailableError } from '../errors.ts';
import type { QueueShare } from '../queues/queue-selector.ts';
import type { RawJob } from '../types.ts';
import type { Admitted, Gates } from './gates.ts';
import type { PrefetchBuffer } from './prefetch-buffer.ts';
import type { QueuePoller } from './queue-poller.ts';

interface ParkAheadDeps {
  readonly store: Pick<WorkerBroker, 'parkAhead'>;
  readonly gates: Gates;
  readonly buffer: PrefetchBuffer;
  readonly poller: QueuePoller;
  readonly isSerial: (queue: string) => boolean;
  /** What has to let a job through first; undefined where nothing has to, or it is for the loop. */
  readonly gateOf: (raw: RawJob) => AskedGate | undefined;
  /** No more jobs are wanted. */
  readonly isOver: () => boolean;
  readonly onWrong: (keys: readonly WrongKey[]) => void;
  readonly wake: () => void;
}

/** Jobs that were parked with one answer, at least half of all, are followed by more of their kind. */
const TELLING = 20;
/** Jobs in one call, and bytes of them: few enough that Redis is not blocked for long. */
const PORTION = 5_000;
const BYTES = 1_048_576;
/** Portions that are read and not parked yet: with a database 100 ms away as many are on their way. */
const DEPTH = 8;
/** So many jobs wait in front that are not to be parked: the loop takes them first. */
const MOST_LEFT = 1_000;
/** As often in a row the jobs were not where they had been read: others take them as well. */
const MOST_MISSES = 3;
/** Jobs that were called to the head since a portion was read, by so many at the most the next one begins before its end. */
const OVERLAP = 100;
/** Jobs that are looked at before the event loop gets its turn. */
const SLICE = 500;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Where one kind of jobs is at its limit and its queue has many of them, they are parked where they wait: read without being taken,
 * some portions at once, and parked by their places, each portion in one step. So jobs of other kinds behind them come soon, however
 * far the database is. Meanwhile of this queue only those are reserved that were left.
 */
export class ParkAhead {
  readonly #deps: ParkAheadDeps;
  #queue: string | undefined;
  /** Gates that are known to be closed. They stay the same while a queue is looked through: of each kind the order stays. */
  #closed: ReadonlySet<string> = new Set();
  /** Jobs in front of those that are not looked at yet, once all that was sent is done. */
  #front = 0;
  /** Of those, what Redis said last: they may be reserved. */
  #left = 0;
  /** What was known of the front when it was corrected last. */
  #corrections = 0;
  #isReserving = false;
  /** The reservation on its way leaves some out. */
  #isCut = false;
  /** Redis does not let it. */
  #isRefused = false;
  /** Resolves with the next answer of a sync. */
  #synced = Promise.withResolvers<void>();

  constructor(deps: ParkAheadDeps) {
    this.#deps = deps;
  }

  get isAtWork(): boolean {
    return this.#queue !== undefined;
  }

  stop(): void {
    this.#queue = undefined;
    this.#deps.poller.parking = undefined;
    this.#nextSync();
  }

  /** Jobs have asked for leave: where most of them are parked, those behind them are looked at. */
  noticed(answered: readonly Admitted[]): void {
    this.#nextSync();
    if (this.#queue !== undefined || this.#isRefused || answered.length < TELLING) return;
    const parked = answered.filter(({ admission }) => admission === 'parked');
    const queue = parked.at(-1)?.bound.job.raw.queue;
    if (parked.length < Math.max(TELLING, answered.length / 2) || queue === undefined) return;
    if (this.#deps.isSerial(queue) || this.#deps.isOver()) return;
    // Of several one is closed, and nobody knows which; but that of a paused class comes first.
    const first = parked.flatMap(({ gates: [gate, other] }) => (gate && (!other || gate.pausedClass) ? gate.name : []));
    this.#closed = new Set(first);
    this.#queue = queue;
    this.#deps.poller.parking = queue;
    this.#front = 0;
    this.#left = 0;
    this.#isReserving = false;
    void this.#lookThrough(queue, parked.reduce((sum, { bound }) => sum + bound.job.raw.size, 0) / parked.length);
  }

  /** What may be reserved: of this queue those that were left. */
  reserving(shares: readonly QueueShare[]): readonly QueueShare[] {
    const queue = this.#queue;
    if (queue === undefined) return shares;
    return shares.flatMap((share) => {
      if (share.queue !== queue) return share;
      const limit = Math.min(share.limit, this.#left);
      this.#isCut ||= limit < share.limit;
      this.#isReserving ||= limit > 0;
      return limit > 0 ? { ...share, limit } : [];
    });
  }

  /** The poller has taken note of a reservation: of what it was not to take, that says nothing. */
  looked(): void {
    if (this.#isCut && (this.#queue === undefined || this.#left > 0)) this.#deps.poller.reset();
    this.#isCut = false;
  }

  /** A reservation was answered. */
  reserved(jobs: SyncReply['jobs']): void {
    if (!this.#isReserving) return;
    const taken = jobs.reduce((count, { queue }) => count + (queue === this.#queue ? 1 : 0), 0);
    this.#front -= taken;
    this.#left -= taken;
    this.#isReserving = false;
    this.#nextSync();
  }

  async #lookThrough(queue: string, size: number): Promise<void> {
    let misses = 0;
    try {
      for (let large = size; ; ) {
        const look = new Look(queue, large);
        await this.#untilMissed(look);
        misses = look.parked > 0 ? 0 : misses + 1;
        if (!look.missed || misses === MOST_MISSES || !this.#isWanted()) break;
        this.#front = 0;
        this.#left = 0;
        large = Math.max(large, look.size);
      }
    } catch (error) {
      // The loop goes on by itself, and says what is wrong with Redis.
      this.#isRefused = !(error instanceof RedisUnavailableError);
    }
    if (this.#queue === undefined) return;
    this.stop();
    this.#look();
  }

  /** Until one portion is not where it had been read, or there are no more. */
  async #untilMissed(look: Look): Promise<void> {
    while (look.reading.length < DEPTH) this.#send(look);
    for (let next = look.reading.shift(); next; next = look.reading.shift()) {
      const jobs = await next;
      if (!jobs || look.missed || !this.#isWanted()) break;
      const fresh = look.fresh(jobs);
      if (fresh.length === 0) break;
      const gates = await this.#gatesOf(fresh);
      await this.#asked(look.queue);
      if (look.missed || !this.#isWanted()) break;
      this.#send(look, { jobs: fresh, gates });
      if (this.#front > MOST_LEFT) break;
    }
    await Promise.all(look.reading);
  }

  /** Parks what was looked at, and reads the next portion. */
  #send(look: Look, park?: { readonly jobs: readonly RawJob[]; readonly gates: readonly (AskedGate | undefined)[] }) {
    const { store, onWrong } = this.#deps;
    const { queue, most } = look;
    const place = this.#front;
    const knew = this.#corrections;
    if (park) this.#front += park.gates.reduce((count, gate) => count + (gate ? 0 : 1), 0);
    const from = this.#front + look.reading.length * most;
    const call = store.parkAhead({
      queue,
      ...(park ? { park: { place, ...park } } : {}),
      read: { place: from, most, bytes: BYTES },
    });
    const jobs = call.then((answer) => {
      if (!answer) look.missed = true;
      if (!answer || this.#queue !== queue) return undefined;
      onWrong(answer.wrong);
      if (!park) return answer.jobs;
      look.parked += answer.parked;
      if (answer.before !== place && knew === this.#corrections) {
        this.#front += answer.before - place;
        this.#corrections++;
      }
      this.#left = answer.before + park.jobs.length - answer.parked;
      if (this.#left > 0) this.#look();
      return answer.jobs;
    });
    jobs.catch(() => {});
    look.reading.push(jobs);
  }

  /** Waits until no job of this queue that was taken before is still to be asked for, and what was left has been taken. */
  async #asked(queue: string): Promise<void> {
    const { gates, buffer } = this.#deps;
    for (;;) {
      let waits = this.#isReserving || gates.size > 0;
      buffer.forEach((raw) => {
        waits ||= raw.queue === queue && gates.of(raw).length === 0;
      });
      if (!waits || !this.#isWanted()) return;
      await this.#synced.promise;
    }
  }

  async #gatesOf(jobs: readonly RawJob[]): Promise<(AskedGate | undefined)[]> {
    const gates: (AskedGate | undefined)[] = [];
    for (let from = 0; from < jobs.length; from += SLICE) {
      if (from > 0) await nextTurn();
      for (const raw of jobs.slice(from, from + SLICE)) {
        const gate = this.#deps.gateOf(raw);
        gates.push(gate && !gate.refuses && this.#closed.has(gate.name) ? gate : undefined);
      }
    }
    return gates;
  }

  #isWanted(): boolean {
    return this.#queue !== undefined && !this.#deps.isOver();
  }

  #look(): void {
    this.#deps.poller.reset();
    this.#deps.wake();
  }

  #nextSync(): void {
    this.#synced.resolve();
    this.#synced = Promise.withResolvers();
  }
}

/** Portions of one queue, in its order. */
class Look {
  readonly queue: string;
  /** Jobs in a portion. */
  readonly most: number;
  /** On their way; undefined where those that were to be parked are not where they had been read. */
  readonly reading: Promise<readonly RawJob[] | undefined>[] = [];
  parked = 0;
  missed = false;
  /** Bytes of a payload of the last portion, about. */
  size = 0;
  #last: readonly RawJob[] = [];

  /** @param size of a payload, about */
  constructor(queue: string, size: number) {
    this.queue = queue;
    this.most = Math.max(1, Math.min(PORTION, Math.floor(BYTES / size / 2)));
  }

  /** Those behind what was read before: jobs that were called to the head meanwhile have moved the others. */
  fresh(jobs: readonly RawJob[]): readonly RawJob[] {
    const last = this.#last;
    this.#last = jobs;
    const [first] = jobs;
    if (!first) return jobs;
    this.size = jobs.reduce((sum, { size }) => sum + size, 0) / jobs.length;
    for (let by = 1; by <= Math.min(OVERLAP, last.length, jobs.length); by++) {
      const from = last.length - by;
      if (!isEqual(last[from], first)) continue;
      if (jobs.slice(0, by).every((job, i) => isEqual(last[from + i], job))) return jobs.slice(by);
    }
    return jobs;
  }
}

function isEqual(one: RawJob | undefined, other: RawJob): boolean {
  if (!one || one.size !== other.size) return false;
  return one.text === undefined || other.text === undefined ? one.bytes.equals(other.bytes) : one.text === other.text;
}
