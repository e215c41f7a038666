/** Workers in the test's own process, on a clock that the test moves, and Redis's time with it. All of them end with their test. */

import {
  type AnyJobDefinition,
  type Middleware,
  RedisUnavailableError,
  type RunReport,
  type Summary,
} from '../../shared/index.ts';
import {
  type Broker,
  createEnqueuer,
  createRegistry,
  type Enqueuer,
  parseQueues,
  type QueueList,
  Worker,
  type WorkerOptionsInput,
  workerId,
  workerOptions,
} from '../../shared/internal.ts';
import { endings } from './brokers.ts';
import { afterEachTest } from './cleanup.ts';
import { MovingClock } from './moving-clock.ts';
import { type RecordingLogger, recordingLogger } from './recording-logger.ts';

export interface WorkerSetup {
  readonly store: Broker;
  readonly jobs: readonly AnyJobDefinition[];
  /** @default '*' */
  readonly queues?: string;
  readonly order?: QueueList['order'];
  /** Queues that it is told are serial. @default none */
  readonly serial?: string;
  readonly options?: WorkerOptionsInput;
  readonly middleware?: readonly Middleware[];
  /** @default one of its own */
  readonly clock?: MovingClock;
  /** Milliseconds from now. */
  readonly deadline?: number;
}

export interface RunningWorker {
  /** Its id, until it loses its lease. */
  readonly worker: string;
  readonly clock: MovingClock;
  readonly log: RecordingLogger;
  readonly runs: readonly RunReport[];
  /** So far. */
  readonly summary: Summary;
  readonly client: Enqueuer;
  /** It waits for an answer of Redis, which may take jobs yet. */
  readonly isAsking: boolean;
  readonly ended: Promise<Summary>;
  /**
   * Moves its clock on, unless it waits for Redis at this moment: for a test that does so until something happens, else on a
   * slow machine hours pass during one call.
   */
  pass(ms: number): void;
  stop(): void;
}

/** Time passes only where a test moves it: so long that none of them ends by itself while a slow machine is at it. */
const LONG = 3_600_000;

const running = new Set<RunningWorker>();

async function endAll(): Promise<void> {
  for (const one of running) {
    one.stop();
    while (running.has(one)) {
      one.clock.move(LONG);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
afterEachTest(endAll);
endings.add(endAll);

export function startWorker(setup: WorkerSetup): RunningWorker {
  const { store, jobs, queues = '*', order, serial, options, middleware = [], clock = new MovingClock() } = setup;
  const { deadline } = setup;
  const registry = createRegistry(jobs, middleware);
  const client = createEnqueuer({ store, clock, registry });
  const log = recordingLogger();
  const runs: RunReport[] = [];
  const worker = workerId('test', process.pid, [queues]);
  const asking = { calls: 0 };
  const consumer = new Worker({
    store: counted(store, asking),
    registry,
    client,
    queues: parseQueues(queues, order),
    options: workerOptions({
      interval: LONG,
      lease: LONG,
      shutdownTimeout: LONG,
      ...options,
      ...(serial === undefined ? {} : { serial }),
    }),
    worker,
    clock,
    log,
    onRun: (report) => void runs.push(report),
    ...(deadline === undefined ? {} : { deadline: clock.now() + deadline }),
  });
  const one: RunningWorker = {
    worker,
    clock,
    log,
    runs,
    client,
    summary: consumer.summary,
    get isAsking() {
      return asking.calls > 0;
    },
    ended: consumer.run().finally(() => running.delete(one)),
    pass(ms) {
      if (!one.isAsking) clock.move(ms);
    },
    stop: () => consumer.stop(),
  };
  // A test that expects it to fail awaits it later.
  one.ended.catch(() => {});
  running.add(one);
  return one;
}

/** Runs what is there, and ends. */
export function drain(setup: WorkerSetup): Promise<Summary> {
  return startWorker({ ...setup, options: { exitOnComplete: true, ...setup.options } }).ended;
}

/** Counts the calls under way. */
function counted(store: Broker, asking: { calls: number }): Broker {
  const call = <Args extends unknown[], Answer>(method: (...args: Args) => Promise<Answer>) => {
    return async (...args: Args): Promise<Answer> => {
      asking.calls++;
      try {
        return await method(...args);
      } finally {
        asking.calls--;
      }
    };
  };
  const { sync, start, recover, parkAhead } = store;
  return { ...store, sync: call(sync), start: call(start), recover: call(recover), parkAhead: call(parkAhead) };
}

/** A store that can go away for a worker, as if that had died: it never hears of Redis again, nor Redis of it. */
export function mortal(store: Broker): { readonly store: Broker; kill(): void } {
  let dead = false;
  const call = <Args extends unknown[], Answer>(method: (...args: Args) => Promise<Answer>) => {
    return async (...args: Args): Promise<Answer> => {
      if (dead) throw new RedisUnavailableError('This worker is dead.');
      return await method(...args);
    };
  };
  const { sync, start, recover, unregister } = store;
  const methods = { sync: call(sync), start: call(start), recover: call(recover), unregister: call(unregister) };
  return {
    store: { ...store, ...methods },
    kill() {
      dead = true;
    },
  };
}

/** A promise that a test settles. */
export class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
