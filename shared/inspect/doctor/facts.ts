import type { DueTimes, SchedulerBroker } from '../../broker/broker.ts';
import type { ControlBroker } from '../../broker/control-broker.ts';
import type { CronBroker } from '../../broker/cron-broker.ts';
import type { DoctorBroker, FoundNames } from '../../broker/redis/doctor.ts';
import type { GatesDoctor } from '../../broker/redis/doctor-gates.ts';
import type { FailedBroker } from '../../broker/redis/failed.ts';
import type { ScheduledBroker } from '../../broker/redis/scheduled.ts';
import type { Survey, WorkersBroker } from '../../broker/redis/workers.ts';
import type { Clock } from '../../clock.ts';
import type { Failed } from '../failed.ts';
import type { Limits } from '../limits.ts';
import type { QueueInfo, Queues } from '../queues.ts';
import type { Stats, StatTotals } from '../stats.ts';
import type { WorkerInfo, Workers } from '../workers.ts';

/** What the checks look with. */
export interface DoctorDeps {
  readonly store: Pick<SchedulerBroker, 'dueTimes'> & { time(): Promise<number> };
  readonly doctor: DoctorBroker;
  readonly gates: GatesDoctor;
  readonly control: Pick<ControlBroker, 'limits' | 'pausedClasses'>;
  readonly limits: Limits;
  readonly cron: Pick<CronBroker, 'read'>;
  readonly lists: FailedBroker;
  readonly scheduled: ScheduledBroker;
  readonly survey: WorkersBroker;
  readonly queues: Queues;
  readonly workers: Workers;
  readonly failed: Failed;
  readonly stats: Stats;
  readonly clock: Clock;
}

/** Keys of the database that are looked at. */
const MOST_KEYS = 100_000;

/** What is known of a Redis, each read once when it is first asked for. */
export interface Facts {
  readonly deps: DoctorDeps;
  survey(): Promise<Survey>;
  workers(): Promise<readonly WorkerInfo[]>;
  queues(): Promise<readonly QueueInfo[]>;
  totals(): Promise<StatTotals>;
  due(): Promise<DueTimes>;
  names(): Promise<FoundNames>;
  info(): Promise<ReadonlyMap<string, string>>;
}

export function factsOf(deps: DoctorDeps): Facts {
  return {
    deps,
    survey: once(() => deps.survey.survey()),
    workers: once(() => deps.workers.list()),
    queues: once(() => deps.queues.list()),
    totals: once(() => deps.stats.totals()),
    due: once(() => deps.store.dueTimes()),
    names: once(() => deps.doctor.names(MOST_KEYS)),
    info: once(() => deps.doctor.info()),
  };
}

function once<Fact>(read: () => Promise<Fact>): () => Promise<Fact> {
  let fact: Promise<Fact> | undefined;
  return () => {
    fact ??= read();
    return fact;
  };
}
