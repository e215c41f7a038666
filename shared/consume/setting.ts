import type { Client } from '../client/client.ts';
import type { Clock } from '../clock.ts';
import type { ConsumerOptions } from '../config.ts';
import type { Registry } from '../job/registry.ts';
import type { Logger } from '../log.ts';
import type { WorkerStore } from '../store/job-store.ts';
import type { QueueList } from './queues.ts';
import type { RunReport } from './report.ts';

/** What a consumer needs. */
export interface ConsumerSetting {
  readonly store: WorkerStore;
  readonly registry: Registry;
  readonly client: Client;
  readonly queues: QueueList;
  readonly options: ConsumerOptions;
  /** Resque's id of this worker: `workerId(…)`. */
  readonly worker: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Epoch ms at which running handlers are aborted, because the invocation ends soon after. */
  readonly deadline?: number;
  /** Called after each run. */
  readonly onRun?: (report: RunReport) => void;
}
