import type { WorkerBroker, WorkerPlace } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { WorkerOptions } from '../config.ts';
import type { Enqueue } from '../job/enqueue.ts';
import type { Registry } from '../job/registry.ts';
import type { Logger } from '../log.ts';
import type { QueueList } from '../queues/queue-list.ts';
import type { FlowHost } from './flow-host.ts';
import type { PushWatch, PushWatchDeps } from './push-watch.ts';
import type { WhyIdle } from './queue-poller.ts';
import type { RunReport } from './reporter.ts';
import type { PlacesPart } from './shared-places.ts';

/** What a worker needs. */
export interface WorkerDeps {
  readonly store: WorkerBroker;
  readonly registry: Registry;
  /** What jobs enqueue with. */
  readonly client: { readonly enqueue: Enqueue };
  /** For jobs that start flows. @default they cannot */
  readonly flows?: FlowHost | undefined;
  readonly queues: QueueList;
  /** Has pushes told to a worker that waits. @default it looks each interval */
  readonly watchPushes?: ((deps: PushWatchDeps) => PushWatch) | undefined;
  readonly options: WorkerOptions;
  /** Its part of the places that it shares with other loops of this process. @default `concurrency` of its own */
  readonly places?: PlacesPart | undefined;
  /** Resque's id of this worker: `workerId(…)`. */
  readonly worker: string;
  /** @default its consumer may have any number of workers */
  readonly place?: WorkerPlace;
  readonly clock: Clock;
  readonly log: Logger;
  /** When running handlers are aborted, because the invocation ends soon after. */
  readonly deadline?: number;
  /** Called after each run. */
  readonly onRun?: (report: RunReport) => void;
  /** Called when nothing runs any more and the last look found no more: once, until there was something again. */
  readonly onIdle?: (why: WhyIdle) => void;
}
