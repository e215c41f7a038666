import inspector from 'node:inspector';
import { Worker as Thread } from 'node:worker_threads';
import type { JobContext } from '../job/context.ts';
import { type Registry, wrapHandlers } from '../job/registry.ts';

/** What the thread is given. */
export interface WatchdogData {
  /** One number, which the main thread counts up. */
  readonly beats: Int32Array<SharedArrayBuffer>;
  /** By place: how many bytes of its text are valid; 0 for a free one. */
  readonly lengths: Int32Array<SharedArrayBuffer>;
  /** By place: class and id of a job that runs. */
  readonly texts: Uint8Array<SharedArrayBuffer>;
  /** Milliseconds between two looks of the thread. */
  readonly tick: number;
  /** Looks without a new beat until the process ends. */
  readonly limit: number;
  /** Milliseconds. */
  readonly lease: number;
}

/** Jobs that can be named, and bytes for each. */
const PLACES = 1_024;
export const PLACE_SIZE = 256;
const SHORTEST_TICK = 20;
const LONGEST_TICK = 1_000;
const TICKS_PER_LEASE = 20;

/**
 * Ends the process when its event loop has stood still for longer than its lease: its jobs are given to others by then, and
 * only a new process can go on. A thread looks; it counts its own looks, so that a machine that slept or a process that was
 * stopped has lost no time. What runs is noted in memory that it shares, since nothing can be asked of a blocked loop.
 */
export class Watchdog {
  readonly #beats = new Int32Array(new SharedArrayBuffer(4));
  readonly #lengths = new Int32Array(new SharedArrayBuffer(4 * PLACES));
  readonly #texts = new Uint8Array(new SharedArrayBuffer(PLACES * PLACE_SIZE));
  readonly #free: number[] = Array.from({ length: PLACES }, (_, i) => PLACES - 1 - i);
  readonly #places = this.#free.map((_, i) => this.#texts.subarray(i * PLACE_SIZE, (i + 1) * PLACE_SIZE));
  readonly #encoder = new TextEncoder();
  #thread: Thread | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Keeps no process alive. Under a debugger, where a loop may well stand still, it does nothing. @param lease ms */
  start(lease: number): void {
    if (inspector.url() !== undefined) return;
    const tick = Math.min(LONGEST_TICK, Math.max(SHORTEST_TICK, lease / TICKS_PER_LEASE));
    const limit = Math.ceil(lease / tick) + 1;
    const shared = { beats: this.#beats, lengths: this.#lengths, texts: this.#texts };
    const workerData: WatchdogData = { ...shared, tick, limit, lease };
    // Beside this file, with its extension: .ts here, .js in the published package.
    const file = import.meta.url.replace(/watchdog(\.\w+)$/, 'watchdog-thread$1');
    this.#thread = new Thread(new URL(file), { workerData, name: 'lambdesque watchdog', execArgv: [] });
    // A machine that has no room for a thread runs its jobs all the same.
    this.#thread.on('error', () => {}).unref();
    this.#timer = setInterval(() => Atomics.add(this.#beats, 0, 1), tick / 2).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#thread?.terminate();
  }

  /** The same handlers, whose runs are noted. */
  watching(registry: Registry): Registry {
    return wrapHandlers(registry, (handler) => ({
      ...handler,
      run: (args, ctx) => this.#run(ctx, () => handler.run(args, ctx)),
    }));
  }

  #run(ctx: JobContext, run: () => unknown): unknown {
    const place = this.#free.pop();
    if (place === undefined) return run();
    const { class: name, id } = ctx.job;
    const { written } = this.#encoder.encodeInto(`${name} (id ${id})`, this.#places[place] as Uint8Array);
    Atomics.store(this.#lengths, place, written);
    const end = () => {
      Atomics.store(this.#lengths, place, 0);
      this.#free.push(place);
    };
    let result: unknown;
    try {
      result = run();
    } catch (error) {
      end();
      throw error;
    }
    if (!isThenable(result)) {
      end();
      return result;
    }
    // Asked once: a query builder runs its query each time somebody asks for its result.
    const promise = Promise.resolve(result);
    promise.then(end, end);
    return promise;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
