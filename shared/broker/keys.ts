import { namespaceOf } from './namespace.ts';

/** A lease that ends later than so long from now is nobody's; ms. */
export const LONGEST_LEASE = 86_400_000;

/**
 * Every key in Redis, with its type. The first group is Resque's, the second resque-scheduler's, the third php-resque's
 * and the last our own.
 */
export interface Keys {
  /** Set of queue names. */
  readonly queues: string;
  /** List of payloads: producers push at the tail, workers take from the head. */
  queue(name: string): string;
  /** List of failed entries. */
  readonly failed: string;
  /** Set of the names of further failed lists: Ruby's multi-queue backend has one for each queue. */
  readonly failedQueues: string;
  /** List of failed entries, by its name: `failed`, or `<queue>_failed`. */
  failedList(name: string): string;
  /** Set of worker ids. */
  readonly workers: string;
  /** String: what the worker works on, as JSON. */
  worker(id: string): string;
  /** String: when the worker started. */
  workerStarted(id: string): string;
  /** Hash: worker id → ISO 8601 time of its last heartbeat. */
  readonly heartbeats: string;
  /** String, a counter: jobs processed or failed, by all workers or by one. */
  stat(name: 'processed' | 'failed', worker?: string): string;
  /** String: `true` stops every worker from reserving. */
  readonly paused: string;

  /** Sorted set of due times: member and score are epoch seconds. */
  readonly delayedSchedule: string;
  /** List of the payloads due at `seconds` (epoch); each names its queue. */
  delayed(seconds: number | string): string;
  /** Set of the `delayed:<ts>` keys, without namespace, that hold exactly this payload. */
  timestamps(payload: string): string;

  /** String that expires: which of Ruby's resque-schedulers is the master. Its name has the namespace twice. */
  readonly rubyScheduler: string;

  /** String: php-resque's status of a job, as JSON; only where its producer asked for it. */
  jobStatus(id: string): string;
  /** String: resque-status's record of a job, as JSON; only where its producer made one. */
  resqueStatus(uuid: string): string;
  /** A key of a plugin of Ruby's Resque, such as `loners:queue:<queue>:job:<digest>`. */
  plugin(name: string): string;

  /** Sorted set of jobs that wait for their next attempt: `<attempts id>:<queue>`, scored by due time in epoch ms. */
  readonly retry: string;
  /** Hash: member of `retry` → payload. Apart from it, since Upstash limits the size of a sorted set's members. */
  readonly retryPayloads: string;
  /** Sorted set of worker ids, scored by the epoch ms at which their leases end. */
  readonly leases: string;
  /** Set of the queues that give nothing until they are resumed. */
  readonly pausedQueues: string;
  /**
   * Hash, what workers are told with each sync: `queue:<name>` → its limit, see gate.ts; `class:<name>` → `paused`;
   * `cancel:<job id>` → `<epoch ms until which it holds> <reason>`.
   */
  readonly control: string;
  /** Hash: what a gate lets through now, see gate.ts. */
  limit(gate: string): string;
  /** List: jobs that a gate does not let through now, see gate.ts. */
  parkedAt(gate: string): string;
  /** Sorted set: gates for which jobs are parked, scored by the epoch ms at which the scheduler looks at them. */
  readonly parked: string;
  /** Hash: class → `<µs of a worker's time>:<µs from start to end>` of one of its jobs, as workers measure it. */
  readonly paces: string;
  /** Hash: state of a flow, and what its steps' payloads have in common; see scripts/flow-steps.ts. */
  flow(id: string): string;
  /** Hash: path of a node → what it is, as job/flow-nodes.ts writes it. */
  flowNodes(id: string): string;
  /** Hash: path of a node → its state; `r:<path>` → its result, `e:<path>` → its error, `l:<path>` → a part of its list, as JSON. */
  flowStates(id: string): string;
  /** Sorted set, scored by 0: for each flow with a record `all:<epoch ms of its start>:<id>`, and its state in place of `all`. */
  readonly flows: string;
  /** Sorted set of those that have ended, scored by when their records expire, epoch ms. */
  readonly flowsEnded: string;
  /** List: steps that ended where no worker could tell their flows, as JSON: the payload's `flow`. */
  readonly flowsLost: string;
  /** Hash: name of flows of which one runs at a time → id of the latest. */
  readonly flowsLatest: string;
  readonly stats: StatKeys;
  /** String that expires: who holds a lock of unique jobs, see lock-value.ts. */
  unique(name: string): string;
  /** Hash: serial queue → id of the worker that has jobs of it in flight, '' while none has. */
  readonly serial: string;
  /** String that expires: which scheduler of a system ticks, so that two do not start workers for the same backlog. */
  schedulerLease(system: string): string;
  /** Hash: when the scheduler of a system without a minute tick is to run next; see scripts/on-demand.ts. */
  wake(system: string): string;
  /** Sorted set: `<consumer>:<id>` of each start that no worker has come of yet, scored by the epoch ms at which it is given up. */
  starts(system: string): string;
  readonly cron: CronKeys;
  readonly dashboard: {
    /** String that expires, a counter: tries to sign in, of one address or of all. */
    tries(address?: string): string;
    /** String that expires: a signed request by its id, `claimed` or `done`. */
    request(id: string): string;
    /** String: a secret that signs forms where there is no password. */
    readonly formSecret: string;
  };
  /**
   * Hash: the jobs a worker holds, `<sequence number>:<queue>` → payload, behind a `!` once an at-most-once job may have
   * started; `call`, the number of its last sync; `lease`, when its lease ends, epoch ms; `version`, of this package.
   */
  inflight(worker: string): string;
  /** The keys of a worker's end, in the order in which unregister.ts and reclaim.ts take them. */
  ofWorker(worker: string): string[];
}

/** Each for one day or minute; they expire. The parameter is a time in it, epoch ms. */
interface StatKeys {
  /** Hash: `["<queue>","<class>"]` → sums, see ops/stats.ts. */
  day(time: number): string;
  minute(time: number): string;
  /** Hash: how many jobs of a day ran and waited how long, see ops/run-times.ts. */
  times(time: number): string;
  /** String: how many jobs waited, and when that was noted in this minute: `[<epoch ms>,"<queue>",<jobs>,…]`. */
  sizes(time: number): string;
}

interface CronKeys {
  /** Hash: name → JSON of a dynamic entry; resque-scheduler's. */
  readonly schedules: string;
  /** Set of names that changed; resque-scheduler's. */
  readonly changed: string;
  /** Hash: name → last claimed slot, epoch ms. */
  readonly last: string;
  /** Hash: name, newline, timing → `<epoch ms at which a scheduler first saw this timing>:<and last>`. */
  readonly since: string;
  /** Hash: name → JSON, the last thing that happened to the entry. */
  readonly status: string;
  /** Hash: name → `2026-11-20 20:29:37 +0000`, when its last job was enqueued; resque-scheduler's, for its page. */
  readonly lastEnqueued: string;
  /** Hash: name → '' while the entry is paused, or the epoch ms at which that ended. */
  readonly paused: string;
  /** String: how often entries were changed or resumed by programs of ours. */
  readonly version: string;
}

/** @param namespace prefix of every key, as `namespaceOf` takes it: `resque:` */
export function keysOf(namespace: string): Keys {
  const ns = namespaceOf(namespace);
  const keys: Keys = {
    queues: `${ns}queues`,
    queue: (name) => `${ns}queue:${name}`,
    failed: `${ns}failed`,
    failedQueues: `${ns}failed_queues`,
    failedList: (name) => `${ns}${name}`,
    workers: `${ns}workers`,
    worker: (id) => `${ns}worker:${id}`,
    workerStarted: (id) => `${ns}worker:${id}:started`,
    heartbeats: `${ns}workers:heartbeat`,
    stat: (name, worker) => `${ns}stat:${name}${worker === undefined ? '' : `:${worker}`}`,
    paused: `${ns}pause-all-workers`,
    delayedSchedule: `${ns}delayed_queue_schedule`,
    delayed: (seconds) => `${ns}delayed:${seconds}`,
    timestamps: (payload) => `${ns}timestamps:${payload}`,
    rubyScheduler: `${ns}${ns}resque_scheduler_master_lock`,
    jobStatus: (id) => `${ns}job:${id}:status`,
    resqueStatus: (uuid) => `${ns}status:${uuid}`,
    plugin: (name) => `${ns}${name}`,
    retry: `${ns}retry`,
    retryPayloads: `${ns}retry:payloads`,
    leases: `${ns}leases`,
    pausedQueues: `${ns}queues:paused`,
    control: `${ns}control`,
    limit: (gate) => `${ns}limit:${gate}`,
    parkedAt: (gate) => `${ns}parked:${gate}`,
    parked: `${ns}parked`,
    paces: `${ns}paces`,
    flow: (id) => `${ns}flow:${id}`,
    flowNodes: (id) => `${ns}flow:${id}:nodes`,
    flowStates: (id) => `${ns}flow:${id}:states`,
    flows: `${ns}flows`,
    flowsEnded: `${ns}flows:ended`,
    flowsLost: `${ns}flows:lost`,
    flowsLatest: `${ns}flows:latest`,
    stats: {
      day: (time) => `${ns}stats:day:${new Date(time).toISOString().slice(0, 10)}`,
      minute: (time) => `${ns}stats:minute:${new Date(time).toISOString().slice(0, 16)}`,
      times: (time) => `${ns}stats:times:${new Date(time).toISOString().slice(0, 10)}`,
      sizes: (time) => `${ns}stats:sizes:${new Date(time).toISOString().slice(0, 16)}`,
    },
    unique: (name) => `${ns}unique:${name}`,
    serial: `${ns}serial`,
    schedulerLease: (system) => `${ns}scheduler:lease:${system}`,
    wake: (system) => `${ns}scheduler:wake:${system}`,
    starts: (system) => `${ns}scheduler:starts:${system}`,
    cron: {
      schedules: `${ns}persistent_schedules`,
      changed: `${ns}schedules_changed`,
      last: `${ns}cron:last`,
      since: `${ns}cron:since`,
      status: `${ns}cron:status`,
      lastEnqueued: `${ns}delayed:last_enqueued_at`,
      paused: `${ns}cron:paused`,
      version: `${ns}cron:version`,
    },
    dashboard: {
      tries: (address) => `${ns}dashboard:tries${address === undefined ? '' : `:${address}`}`,
      request: (id) => `${ns}dashboard:request:${id}`,
      formSecret: `${ns}dashboard:form-secret`,
    },
    inflight: (worker) => `${ns}inflight:${worker}`,
    ofWorker: (id) => [
      keys.inflight(id),
      keys.leases,
      keys.workers,
      keys.heartbeats,
      keys.worker(id),
      keys.workerStarted(id),
      keys.stat('processed', id),
      keys.stat('failed', id),
      keys.serial,
    ],
  };
  return keys;
}
