/** What a day of jobs costs in Lambda time, and how long they wait, by how many workers the scheduler starts: on a clock of its own. */

export interface SimulatedJob {
  /** When it is enqueued, ms from the start. */
  readonly at: number;
  readonly queue: string;
  /** How long it takes, ms. */
  readonly ms: number;
  /** It burns CPU for as long: beside it, its worker runs nothing. */
  readonly cpu?: boolean;
}

/** What a rule knows when a tick asks it. */
export interface Seen {
  /** Jobs that wait, by queue. */
  readonly waiting: ReadonlyMap<string, number>;
  /** µs of a worker's time for each job of a queue, once one was measured. */
  readonly paces: ReadonlyMap<string, number>;
  readonly live: number;
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

interface Worker {
  readonly startedAt: number;
  running: number;
  burning: boolean;
}

/** @param concurrency jobs at once in a worker */
export function simulate(jobs: readonly SimulatedJob[], concurrency: number, rule: Rule): SimulationResult {
  const queues = new Map<string, SimulatedJob[]>();
  const paces = new Map<string, number>();
  const waits: number[] = [];
  const workers = new Set<Worker>();
  const events = new Events();
  let billed = 0;
  let started = 0;
  let left = jobs.length;

  function next(worker: Worker): SimulatedJob | undefined {
    for (const list of queues.values()) {
      const [first] = list;
      if (!first || (first.cpu && worker.burning)) continue;
      return list.shift();
    }
    return undefined;
  }
  function fill(worker: Worker, now: number): void {
    while (worker.running < concurrency) {
      const job = next(worker);
      if (!job) break;
      waits.push(now - job.at);
      worker.running++;
      if (job.cpu) worker.burning = true;
      events.add(now + job.ms, () => end(worker, job));
    }
    if (worker.running > 0) return;
    workers.delete(worker);
    billed += now + END_MS - worker.startedAt;
  }
  function end(worker: Worker, job: SimulatedJob): void {
    const micros = (1_000 * job.ms) / (job.cpu ? 1 : concurrency);
    const known = paces.get(job.queue);
    paces.set(job.queue, known === undefined ? micros : known + (micros - known) * 0.05);
    worker.running--;
    if (job.cpu) worker.burning = false;
    left--;
    fill(worker, events.now);
  }
  function tick(): void {
    const waiting = new Map(
      [...queues].flatMap(([queue, list]) => (list.length > 0 ? [[queue, list.length] as const] : [])),
    );
    const count = rule({ waiting, paces, live: workers.size });
    for (let i = 0; i < count; i++) {
      const worker: Worker = { startedAt: events.now, running: 0, burning: false };
      workers.add(worker);
      started++;
      events.add(events.now + COLD_MS, () => fill(worker, events.now));
    }
    if (left > 0) events.add(events.now + TICK_MS, tick);
  }
  for (const job of jobs) {
    events.add(job.at, () => {
      const list = queues.get(job.queue) ?? [];
      queues.set(job.queue, list);
      list.push(job);
      for (const worker of workers) if (worker.running > 0 && worker.running < concurrency) fill(worker, events.now);
    });
  }
  events.add(0, tick);
  events.run();
  waits.sort((a, b) => a - b);
  const at = (part: number) => waits[Math.min(waits.length - 1, Math.floor(part * waits.length))] ?? 0;
  return { seconds: billed / 1_000, workers: started, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** What happens next, on the simulation's clock. */
class Events {
  now = 0;
  readonly #heap: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  #count = 0;

  add(at: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ at, order: this.#count++, run });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#isBefore(i, parent)) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  run(): void {
    for (let event = this.#take(); event; event = this.#take()) {
      this.now = event.at;
      event.run();
    }
  }

  #take() {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0 || !last) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < heap.length && this.#isBefore(left, least)) least = left;
      if (right < heap.length && this.#isBefore(right, least)) least = right;
      if (least === i) return first;
      this.#swap(i, least);
      i = least;
    }
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    return a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order));
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#heap[i], this.#heap[j]];
    if (!a || !b) return;
    this.#heap[i] = b;
    this.#heap[j] = a;
  }
}
