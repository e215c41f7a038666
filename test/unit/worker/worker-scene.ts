import { expect, vi } from 'vitest';
import type { WorkerBroker } from '../../../shared/broker/broker.ts';
import { createEnqueuer } from '../../../shared/client/enqueuer.ts';
import { type WorkerOptionsInput, workerOptions } from '../../../shared/config.ts';
import { type AnyJobDefinition, defineJob } from '../../../shared/job/define.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { spliceText } from '../../../shared/wire/attempts-record.ts';
import type { RunReport, Summary } from '../../../shared/worker/reporter.ts';
import { Worker } from '../../../shared/worker/worker.ts';
import { afterEachTest } from '../../helpers/cleanup.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { MemoryBroker } from './memory-broker-scene.ts';

export interface Given {
  readonly jobs?: readonly AnyJobDefinition[];
  /** @default 'q' */
  readonly queues?: string;
  readonly serial?: string;
  readonly options?: WorkerOptionsInput;
  /** Milliseconds from now. */
  readonly deadline?: number;
}

afterEachTest(vi.restoreAllMocks);

/** A worker that has not begun, on a broker in memory and a clock that the test moves; its event loop is on that clock too. */
export function workerWith({ jobs = [], queues = 'q', serial, options, deadline }: Given) {
  const clock = new ManualClock();
  const broker = new MemoryBroker(clock);
  const log = recordingLogger();
  const runs: RunReport[] = [];
  const idle: string[] = [];
  const start = clock.now();
  vi.spyOn(performance, 'now').mockImplementation(() => clock.now());
  // The worker uses no more of it.
  const store = broker as unknown as WorkerBroker;
  const registry = createRegistry(jobs);
  const worker = new Worker({
    store,
    registry,
    client: createEnqueuer({ store, registry }),
    queues: parseQueues(queues),
    options: workerOptions({ ...options, ...(serial === undefined ? {} : { serial }) }),
    worker: 'lambdesque-host-0123456789ab:7:q',
    clock,
    log,
    onRun: (report) => void runs.push(report),
    onIdle: (why) => void idle.push(why),
    ...(deadline === undefined ? {} : { deadline: clock.now() + deadline }),
  });
  const ended: { with?: Summary | { readonly error: unknown } } = {};
  const run = () => {
    worker.run().then(
      (summary) => {
        ended.with = summary;
      },
      (error: unknown) => {
        ended.with = { error };
      },
    );
    return clock.advance(0);
  };
  /** Moves time on until something holds. */
  const until = async (holds: () => boolean, what = 'what the test waits for'): Promise<void> => {
    for (let i = 0; i < 5_000; i++) {
      if (holds()) return;
      await clock.advance(5);
    }
    expect.unreachable(`25 s have passed without ${what}`);
  };
  /** Runs what is there, and ends. */
  const drain = async (): Promise<Summary> => {
    await run();
    await until(() => ended.with !== undefined, 'an end of the worker');
    expect(ended.with).not.toHaveProperty('error');
    return ended.with as Summary;
  };
  /** Milliseconds since the beginning. */
  const elapsed = () => clock.now() - start;
  return { worker, broker, clock, log, runs, idle, ended, elapsed, run, until, drain };
}

/** A payload; `deaths` adds the record of some. */
export function payload(name: string, id?: number | string, deaths = 0): string {
  const record = deaths > 0 ? spliceText({ id: `other-${id}`, attempts: 0, deaths }) : '';
  return `{${record}"class":"${name}","args":[${JSON.stringify(id ?? null)}]}`;
}

export const payloads = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => payload(name, i));

/** Jobs that note their argument when they start, and end when the test says so. */
export function gated(name = 'Gated', given: { readonly delivery?: 'at-most-once' } = {}) {
  const started: unknown[] = [];
  const open = new Map<unknown, PromiseWithResolvers<void>>();
  const job = defineJob({
    class: name,
    ...given,
    perform(args, { signal }) {
      const [id] = args as [unknown];
      started.push(id);
      const end = Promise.withResolvers<void>();
      open.set(id, end);
      signal.addEventListener('abort', () => end.reject(signal.reason));
      return end.promise;
    },
  });
  return {
    job,
    started,
    end: (...ids: readonly unknown[]) => {
      for (const id of ids) open.get(id)?.resolve();
    },
    fail: (id: unknown, error: unknown) => open.get(id)?.reject(error),
  };
}
