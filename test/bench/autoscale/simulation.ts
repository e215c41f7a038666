import { EventQueue } from './event-queue.ts';

/** What hours of jobs cost in Lambda time, and how long they wait, by how many workers the scheduler starts: on a clock of its own. */

export interface SimulatedJob {
  /** When it is enqueued, ms from the start. */
  readonly at: number;
  readonly queue: string;
  readonly class: string;
  /** How long it takes, ms. */
  readonly ms: number;
  /** It burns CPU for as long: beside it, its worker runs nothing. */
  readonly cpu?: boolean;
}

/** What a rule knows when a tick asks it. */
export interface Seen {
  /** Jobs that wait, by queue, first to last. */
  readonly waiting: ReadonlyMap<string, readonly SimulatedJob[]>;
  /** ms of one job of a class, once one was measured: of a worker's time, and from start to end. */
  readonly paces: ReadonlyMap<string, { readonly share: number; readonly took: number }>;
  /** What each worker runs. */
  readonly live: readonly (readonly SimulatedJob[])[];
  /** Only an oracle asks: how long those that wait now will have waited, ms, if so many are started now and at later ticks none. */
  tryOut(workers: number): readonly number[];
}

/** @returns how many workers to start */
export type Rule = (seen: Seen) => number;

export interface SimulationResult {
  /** Lambda time of all workers, s. */
  readonly seconds: number;
  readonly workers: number;
  /** From enqueuing to the start of a job, ms. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export const TICK_MS = 60_000;
/** From a start to the first job, of a new environment. */
const COLD_MS = 400;
/** From the last outcome to the end. */
const END_MS = 20;
/** Part of the difference by which a job's time counts. */
const COUNTS = 0.05;

interface Worker {
  readonly startedAt: number;
  readonly running: Set<SimulatedJob>;
  burning: boolean;
  /** It has registered. */
  ready: boolean;
}

/** Of a worker: it is ready, or one of its jobs has ended. */
interface WorkerEvent {
  readonly worker: Worker;
  readonly job: SimulatedJob | undefined;
}

/** @param jobs in rising order of their times @param concurrency jobs at once in a worker */
export function simulate(jobs: readonly SimulatedJob[], concurrency: number, rule: Rule): SimulationResult {
  const system = new System(jobs, concurrency);
  for (let tick = 0; system.left > 0; tick += TICK_MS) {
    system.runUntil(tick);
    system.start(rule(system.seen()));
  }
  const waits = system.waits.sort((a, b) => a - b);
  const at = (part: number) => waits[Math.min(waits.length - 1, Math.floor(part * waits.length))] ?? 0;
  return { seconds: system.billed / 1_000, workers: system.started, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

class System {
  readonly waits: number[] = [];
  billed = 0;
  started = 0;
  /** Jobs that have not ended. */
  left: number;
  readonly #jobs: readonly SimulatedJob[];
  readonly #concurrency: number;
  readonly #queues = new Map<string, { list: SimulatedJob[]; head: number }>();
  readonly #paces = new Map<string, { share: number; took: number }>();
  readonly #workers = new Set<Worker>();
  #events = new EventQueue<WorkerEvent>();
  #now = 0;
  #arrived = 0;
  /** Jobs whose waits are asked for, of a copy. */
  #asked: ReadonlySet<SimulatedJob> | undefined;

  constructor(jobs: readonly SimulatedJob[], concurrency: number) {
    this.#jobs = jobs;
    this.#concurrency = concurrency;
    this.left = jobs.length;
  }

  runUntil(end: number): void {
    for (;;) {
      const arrival = this.#jobs[this.#arrived];
      const at = Math.min(arrival?.at ?? Infinity, this.#events.nextAt);
      if (at > end || at === Infinity) break;
      this.#now = at;
      if (arrival?.at === at) this.#arrive(arrival);
      else this.#happen(this.#events.take());
      if (this.#asked?.size === this.waits.length) return;
    }
    this.#now = end;
  }

  start(count: number): void {
    for (let i = 0; i < count; i++) {
      const worker = { startedAt: this.#now, running: new Set<SimulatedJob>(), burning: false, ready: false };
      this.#workers.add(worker);
      this.started++;
      this.#events.add(this.#now + COLD_MS, { worker, job: undefined });
    }
  }

  seen(): Seen {
    const waiting = new Map<string, readonly SimulatedJob[]>();
    for (const [name, { list, head }] of this.#queues) if (list.length > head) waiting.set(name, list.slice(head));
    const live = [...this.#workers].map(({ running }) => [...running]);
    const asked = new Set([...waiting.values()].flat());
    return { waiting, paces: this.#paces, live, tryOut: (workers) => this.#copy(asked).#waitsWith(workers) };
  }

  #waitsWith(workers: number): readonly number[] {
    this.start(workers);
    this.runUntil(Infinity);
    return this.waits;
  }

  #copy(asked: ReadonlySet<SimulatedJob>): System {
    const copy = new System(this.#jobs, this.#concurrency);
    copy.#now = this.#now;
    copy.#arrived = this.#arrived;
    copy.#asked = asked;
    for (const [name, { list, head }] of this.#queues) copy.#queues.set(name, { list: list.slice(head), head: 0 });
    const copies = new Map<Worker, Worker>();
    for (const one of this.#workers) copies.set(one, { ...one, running: new Set(one.running) });
    for (const one of copies.values()) copy.#workers.add(one);
    copy.#events = this.#events.map(({ worker, job }) => ({ worker: copies.get(worker) ?? worker, job }));
    return copy;
  }

  #arrive(job: SimulatedJob): void {
    this.#arrived++;
    const queue = this.#queues.get(job.queue) ?? { list: [], head: 0 };
    this.#queues.set(job.queue, queue);
    queue.list.push(job);
    for (const worker of this.#workers) {
      if (worker.ready && worker.running.size < this.#concurrency) this.#fill(worker);
    }
  }

  #happen(event: WorkerEvent | undefined): void {
    if (!event) return;
    const { worker, job } = event;
    worker.ready = true;
    if (job) {
      this.#measure(job);
      worker.running.delete(job);
      if (job.cpu) worker.burning = false;
      this.left--;
    }
    this.#fill(worker);
  }

  #measure({ class: name, ms, cpu }: SimulatedJob): void {
    const share = ms / (cpu ? 1 : this.#concurrency);
    const known = this.#paces.get(name) ?? { share, took: ms };
    this.#paces.set(name, {
      share: known.share + (share - known.share) * COUNTS,
      took: known.took + (ms - known.took) * COUNTS,
    });
  }

  #fill(worker: Worker): void {
    while (worker.running.size < this.#concurrency) {
      const job = this.#next(worker);
      if (!job) break;
      if (this.#asked?.has(job) !== false) this.waits.push(this.#now - job.at);
      worker.running.add(job);
      if (job.cpu) worker.burning = true;
      this.#events.add(this.#now + job.ms, { worker, job });
    }
    if (worker.running.size > 0) return;
    this.#workers.delete(worker);
    this.billed += this.#now + END_MS - worker.startedAt;
  }

  #next(worker: Worker): SimulatedJob | undefined {
    for (const queue of this.#queues.values()) {
      const first = queue.list[queue.head];
      if (!first || (first.cpu && worker.burning)) continue;
      queue.head++;
      if (queue.head === queue.list.length) {
        queue.list = [];
        queue.head = 0;
      }
      return first;
    }
    return undefined;
  }
}
