import { EventEmitter } from 'node:events';
import { sleep, systemClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { errorFields } from '../wire/failed-entry.ts';
import type { WhyIdle } from '../worker/queue-poller.ts';
import { emptySummary, type Summary } from '../worker/reporter.ts';
import { SharedPlaces } from '../worker/shared-places.ts';
import { runWithSignals } from './process-signals.ts';
import { type WorkerEvents, WorkerService, type WorkerServiceDeps } from './worker-service.ts';

/** A loop that ended because its shard cannot be used begins again after so long, then twice as long, ms. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

const EVENTS = ['started', 'succeeded', 'retried', 'failed', 'discarded', 'released', 'ticked'] as const;
const COUNTS = ['processed', 'succeeded', 'retried', 'failed', 'discarded', 'released', 'lost'] as const;

/** What its worker needs of one shard. */
interface ShardDeps extends Omit<WorkerServiceDeps, 'places' | 'log'> {
  readonly name: string;
}

interface ShardedServiceDeps {
  readonly shards: readonly ShardDeps[];
  /** Places of the process, for all of them. */
  readonly concurrency: number;
  readonly exitOnComplete: boolean;
  readonly handleSignals: boolean;
  readonly log: Logger;
}

/** One loop for each shard, that look from outside like one worker. */
export class ShardedService extends EventEmitter<WorkerEvents> {
  readonly #deps: ShardedServiceDeps;
  readonly #places: SharedPlaces;
  readonly #loops: readonly ShardLoop[];
  readonly #stop = new AbortController();
  /** Shards of which nothing runs and nothing was found, with what was. */
  readonly #idle = new Map<ShardLoop, WhyIdle>();
  #running: Promise<Summary> | undefined;

  constructor(deps: ShardedServiceDeps) {
    super();
    this.#deps = deps;
    this.#places = new SharedPlaces(deps.concurrency);
    const { signal } = this.#stop;
    this.#loops = deps.shards.map((shard) => {
      const log = deps.log.child({ shard: shard.name });
      const onService = (loop: ShardLoop, service: WorkerService) => this.#listen(loop, service);
      return new ShardLoop({ ...shard, log }, this.#places, signal, deps.exitOnComplete, onService);
    });
  }

  get id(): string {
    return this.#loops.map(({ service }) => service.id).join(' ');
  }

  get ids(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#loops.map(({ name, service }) => [name, service.id]));
  }

  get summary(): Readonly<Summary> {
    const sum = emptySummary();
    for (const { summary } of this.#loops) {
      for (const count of COUNTS) sum[count] += summary[count];
      sum.stopped ??= summary.stopped;
    }
    return sum;
  }

  get summaries(): Readonly<Record<string, Readonly<Summary>>> {
    return Object.fromEntries(this.#loops.map(({ name, summary }) => [name, summary]));
  }

  run(): Promise<Summary> {
    const run = () => this.#runAll();
    const { handleSignals, log } = this.#deps;
    this.#running ??= (handleSignals ? runWithSignals(this, log, {}, run) : run()).finally(() => this.#close());
    return this.#running;
  }

  stop(): void {
    this.#stop.abort();
    for (const { service } of this.#loops) service.stop();
  }

  pause(): void {
    for (const loop of this.#loops) loop.pause(true);
  }

  resume(): void {
    for (const loop of this.#loops) loop.pause(false);
  }

  /** Which attempt some code belongs to, any loop knows. */
  escaped(error: unknown): boolean {
    return this.#loops[0]?.service.escaped(error) ?? false;
  }

  async crash(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops.map(({ service }) => service.crash()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#running) return await this.#close();
    this.stop();
    await this.#running.catch(() => {});
  }

  async #runAll(): Promise<Summary> {
    const errors = (await Promise.all(this.#loops.map((loop) => loop.run()))).filter((one) => one !== undefined);
    // A stop is an end like any other; who waits until all queues are empty has to know of one that is not.
    const [first] = errors;
    if (first && (this.#deps.exitOnComplete || errors.length === this.#loops.length)) throw first.error;
    return this.summary;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#deps.shards.map(({ redis }) => redis.close()));
  }

  #listen(loop: ShardLoop, service: WorkerService): void {
    this.#idle.delete(loop);
    for (const name of EVENTS) {
      service.on<keyof WorkerEvents>(name, ((value: never) => {
        if (this.#idle.size > 0 && name !== 'ticked') this.#idle.delete(loop);
        if (this.listenerCount(name) > 0) this.emit<keyof WorkerEvents>(name, ...([value] as never));
      }) as never);
    }
    service.on('idle', (why) => {
      this.#idle.set(loop, why);
      if (this.#idle.size === this.#loops.length) this.emit('idle', why);
    });
  }
}

/** The loop of one shard, and its error boundary: what is wrong there stops no other. */
class ShardLoop {
  service: WorkerService;
  readonly name: string;
  readonly #deps: WorkerServiceDeps;
  readonly #places: SharedPlaces;
  readonly #stop: AbortSignal;
  readonly #exitOnComplete: boolean;
  readonly #onService: (loop: ShardLoop, service: WorkerService) => void;
  /** Of those before this one. */
  #before = emptySummary();
  #paused = false;

  constructor(
    { name, ...deps }: ShardDeps & { readonly log: Logger },
    places: SharedPlaces,
    stop: AbortSignal,
    exitOnComplete: boolean,
    onService: (loop: ShardLoop, service: WorkerService) => void,
  ) {
    this.name = name;
    this.#deps = deps;
    this.#places = places;
    this.#stop = stop;
    this.#exitOnComplete = exitOnComplete;
    this.#onService = onService;
    this.service = this.#renew();
  }

  get summary(): Readonly<Summary> {
    const { summary } = this.service;
    const sum = { ...summary };
    for (const count of COUNTS) sum[count] += this.#before[count];
    return sum;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.service.pause();
    else this.service.resume();
  }

  /** Until it is stopped, or its queues are empty. Never rejects. @returns what kept it from its work to the end */
  async run(): Promise<{ readonly error: unknown } | undefined> {
    const { log, store } = this.#deps;
    for (let wait = FIRST_WAIT_MS, tries = 1; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2), tries++) {
      try {
        await this.service.run();
        return undefined;
      } catch (error) {
        if (tries === 1) {
          const what = this.#exitOnComplete ? 'its jobs stay' : 'trying again until it can';
          log.error(`A shard cannot be used, ${what}; the others go on`, {
            redis: store.address,
            ...errorFields(error),
          });
        }
        if (this.#exitOnComplete || this.#stop.aborted) return { error };
        await sleep(systemClock, wait, this.#stop);
        if (this.#stop.aborted) return { error };
        this.#before = this.summary;
        this.service = this.#renew();
      }
    }
  }

  #renew(): WorkerService {
    const service = new WorkerService({ ...this.#deps, places: this.#places.part() });
    if (this.#paused) service.pause();
    this.#onService(this, service);
    return service;
  }
}
