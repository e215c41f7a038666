import type { Broker, SyncRequest, SyncResult } from '../../../shared/broker/broker.ts';
import { RedisUnavailableError } from '../../../shared/errors.ts';
import { Lease, type SyncPlan } from '../../../shared/worker/lease.ts';
import { rawJob, syncReply } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

export type Answer = SyncResult | Error;

/** What Redis answers, or does not. */
export const away = new RedisUnavailableError('Redis at host:1 cannot be reached');
export const lost: Answer = { leaseLost: true };
export const held: Answer = syncReply();
export const jobs = (count: number): Answer => syncReply({ jobs: Array.from({ length: count }, () => rawJob('{}')) });

/** A lease on a store that gives these answers, one for each call; after them it goes on with the last. */
export function leaseWith(...answers: readonly Answer[]) {
  const clock = new ManualClock();
  const log = recordingLogger();
  const turns: SyncRequest[] = [];
  const times: number[] = [];
  const left: string[] = [];
  const leaving: { answer: number | Error } = { answer: 0 };
  const start = clock.now();
  const store: Pick<Broker, 'address' | 'sync' | 'leave'> = {
    address: 'host:1',
    async sync(turn) {
      turns.push(turn);
      times.push(clock.now() - start);
      const answer = answers[turns.length - 1] ?? answers.at(-1) ?? held;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async leave(worker) {
      left.push(worker);
      if (leaving.answer instanceof Error) throw leaving.answer;
      return leaving.answer;
    },
  };
  const lease = new Lease({
    store: store as Broker,
    worker: 'lambdesque-host-abc123:7:q',
    clock,
    log,
    duration: 60_000,
  });
  const giveUp = new AbortController();
  const turn = (plan: SyncPlan = nothing) => lease.turn(plan, giveUp.signal);
  return { lease, clock, log, turns, times, left, leaving, start, giveUp, turn };
}

export const nothing: SyncPlan = { settle: [], started: -1, startable: 0 };
export const reservation = {
  bytes: 1_000,
  shares: [{ queue: 'q', limit: 9 }],
  listQueues: false,
  countLeft: false,
  mayRisk: true,
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
