import type {
  HeldJob,
  Recovered,
  StartingJob,
  SyncReply,
  SyncRequest,
  SyncResult,
  WrongKey,
} from '../../../shared/broker/broker.ts';
import { RedisUnavailableError } from '../../../shared/errors.ts';
import type { RawJob } from '../../../shared/types.ts';
import { Lease, type LeaseOptions, type SyncPlan } from '../../../shared/worker/lease.ts';
import { rawJob, syncReply } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

export type Answer = SyncResult | Error;

/** What Redis answers, or does not. */
export const away = new RedisUnavailableError('Redis at host:1 cannot be reached');
export const lost: Answer = { kind: 'lease lost' };
export const forgot: Answer = { kind: 'writes lost' };
/** As many workers run as may. */
export const full: Answer = { kind: 'no place' };
export const held: Answer = syncReply();
export const jobs = (count: number): SyncReply =>
  syncReply({ jobs: Array.from({ length: count }, () => rawJob('{}')) });

/** The worker's first id; its token is the twelve digits. */
export const WORKER = 'lambdesque-host-0123456789ab:7:q';

/** What a store answers to a call that is not a sync, one after the other; the last again and again. */
interface Scripted<Value> {
  answers: (Value | Error)[];
}

/**
 * A lease on a store that gives these answers to its syncs, one for each call; after them it goes on with the last. All
 * times are ms from the beginning.
 */
export function leaseWith(...answers: readonly Answer[]) {
  const clock = new ManualClock();
  const log = recordingLogger();
  const start = clock.now();
  const syncs: SyncRequest[] = [];
  const times: number[] = [];
  const left: string[] = [];
  const starts: { readonly worker: string; readonly jobs: readonly StartingJob[] }[] = [];
  const recovers: { readonly worker: string; readonly call: number; readonly held: readonly HeldJob[] }[] = [];
  const wrong: WrongKey[] = [];
  const missing: RawJob[] = [];
  const says = {
    unregister: { answers: [0] } as Scripted<number>,
    start: { answers: [] } as Scripted<boolean[]>,
    recover: { answers: [{ given: 0, missing: [], wrong: [] }] } as Scripted<Recovered>,
    /** How long a sync is under way, ms. */
    takes: 0,
    held: [] as HeldJob[],
  };
  const next = <Value>(calls: number, { answers: all }: Scripted<Value>): Value => {
    const answer = all[calls - 1] ?? all.at(-1);
    if (answer === undefined || answer instanceof Error) throw answer;
    return answer;
  };
  const store: LeaseOptions['store'] = {
    address: 'host:1',
    async sync(request) {
      syncs.push(request);
      times.push(clock.now() - start);
      const answer = answers[syncs.length - 1] ?? answers.at(-1) ?? held;
      if (says.takes > 0) await new Promise<void>((resolve) => clock.after(says.takes, resolve));
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async start(worker, jobs) {
      starts.push({ worker, jobs });
      return next(starts.length, says.start);
    },
    async recover(worker, call, known) {
      recovers.push({ worker, call, held: known });
      return next(recovers.length, says.recover);
    },
    async unregister(worker) {
      left.push(worker);
      return next(left.length, says.unregister);
    },
  };
  const lease = new Lease({
    store,
    worker: WORKER,
    clock,
    log,
    duration: 60_000,
    place: { maxWorkers: 3 },
    held: () => says.held,
    onMissing: (raws) => void missing.push(...raws),
    onWrong: (keys) => void wrong.push(...keys),
  });
  const giveUp = new AbortController();
  const sync = (plan: SyncPlan = nothing) => lease.sync(plan, giveUp.signal);
  return { lease, clock, log, syncs, times, left, starts, recovers, wrong, missing, says, start, giveUp, sync };
}

export const nothing: SyncPlan = { settle: [] };
export const reservation: Omit<NonNullable<SyncPlan['reserve']>, 'count'> = {
  bytes: 1_000,
  shares: [{ queue: 'q', limit: 9 }],
  listQueues: false,
  countLeft: false,
  suspects: 3,
  alone: 'ifNothingElse',
};
export const asking = (count: number, given: Partial<SyncPlan> = {}): SyncPlan => ({
  ...nothing,
  ...given,
  reserve: { ...reservation, count },
});

/** How a promise ended, seen without awaiting it: undefined while it has not. */
export function watch<T>(promise: Promise<T>): { end?: { value: T } | { error: unknown } } {
  const watched: { end?: { value: T } | { error: unknown } } = {};
  promise.then(
    (value) => {
      watched.end = { value };
    },
    (error: unknown) => {
      watched.end = { error };
    },
  );
  return watched;
}
