/** Accounts for every job: it ran to its right end as often as it may, or is in `failed` for the right reason. */
import type { FailedJob } from '../helpers/chaos-bed.ts';
import type { Run } from '../helpers/chaos-log.ts';
import { type ChaosClass, LEDGER, type PushedJob } from './plan.ts';
import { type Excuse, losses } from './rerun-reasons.ts';
import { inOrder } from './serial.ts';

/** What was promised and did not hold. */
export type BrokenPromise =
  | 'none is lost'
  | 'none runs twice without a death'
  | 'at most once is at most once'
  | 'deaths are not attempts'
  | 'none starts early'
  | 'once in failed at most'
  | 'in failed for its own reason only'
  | 'a serial queue keeps its order'
  | 'everything drains'
  | 'every process ends when it is asked to, and only then'
  | 'no key is left behind'
  | 'nothing runs that nobody pushed'
  | 'limits and locks hold'
  | 'no lock, place or pause is left'
  | 'a status record tells the end'
  | 'a flow goes its way, each step and callback once';

export interface Violation {
  readonly promise: BrokenPromise;
  readonly what: string;
  /** Of one job; absent where it concerns none. */
  readonly id?: string;
}

export interface Evidence {
  readonly jobs: readonly PushedJob[];
  /** By job, in the order of their starts. */
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  readonly failed: readonly FailedJob[];
  readonly excuses: readonly Excuse[];
  /** The processes that held a job. */
  holders(id: string): readonly number[];
  /** Redis was told that this process may have started the job. */
  isMarked(pid: number, id: string): boolean;
}

/** Figures of the jobs of one class. */
export interface Tally {
  class: ChaosClass;
  jobs: number;
  unsure: number;
  'ended well': number;
  failed: number;
  'failed by deaths': number;
  starts: number;
  'reruns after a death': number;
}

/** Attempts in chaos-jobs.ts; the classes that are not named end with their first. */
const ATTEMPTS: Partial<Record<ChaosClass, number>> = { Flaky: 10, Fail: 3 };
/** What an attempt's failure says in the failed list. */
const OWN_ERROR: Partial<Record<ChaosClass, RegExp>> = {
  Fail: /^Error: fails every time$/,
  Skip: /^SkipRetry: no use in trying again$/,
  OnceFail: /^Error: fails the only time$/,
};
/** A job goes to `failed` when so many workers died that held it. */
const DEATHS = 3;
/** Seconds between two attempts of a class, at least. */
const BACKOFF: Partial<Record<ChaosClass, readonly number[]>> = { Flaky: [1], Fail: [0, 1] };

export interface Accounts {
  readonly violations: Violation[];
  readonly tallies: Tally[];
  /** At-most-once jobs in `failed` that never started: their worker died in the moment before. */
  readonly failedUnstarted: number;
  /** Of those whose push was answered with an error: how many Redis had taken. */
  readonly unsureTaken: number;
}

export function account(evidence: Evidence): Accounts {
  const violations: Violation[] = [];
  const tallies = new Map<ChaosClass, Tally>();
  const entries = Map.groupBy(evidence.failed, ({ id }) => id ?? '');
  const byPid = Map.groupBy(evidence.excuses, ({ pid }) => pid);
  let failedUnstarted = 0;
  let unsureTaken = 0;

  for (const job of evidence.jobs) {
    const runs = evidence.runs.get(job.id) ?? [];
    const failed = entries.get(job.id) ?? [];
    const wrong = (promise: BrokenPromise, what: string) => void violations.push({ id: job.id, promise, what });
    const tally = tallies.get(job.class) ?? emptyTally(job.class);
    tallies.set(job.class, tally);
    tally.jobs++;
    tally.starts += runs.length;
    if (job.unsure) {
      tally.unsure++;
      // Redis did not take it.
      if (runs.length === 0 && failed.length === 0) continue;
      unsureTaken++;
    }
    checkTimes(job, runs, wrong);
    checkAttempts(job, runs, wrong);
    tally['reruns after a death'] += checkReruns(runs, byPid, wrong);

    const endedWell = runs.some((run) => run.end?.well);
    if (endedWell) tally['ended well']++;
    if (failed.length > 1) wrong('once in failed at most', `is ${failed.length} times in failed`);
    const [entry] = failed;
    if (entry) {
      const byItself = OWN_ERROR[job.class]?.test(`${entry.exception}: ${entry.error}`) ?? false;
      tally[byItself ? 'failed' : 'failed by deaths']++;
      if (byItself) checkFailure(job, runs, wrong);
      else checkDeaths(job, entry, evidence, byPid, wrong);
      if (!isOnce(job) || runs.length > 0) continue;
      failedUnstarted++;
      if (!evidence.holders(job.id).some((pid) => evidence.isMarked(pid, job.id))) {
        wrong('in failed for its own reason only', 'never started, and was never about to');
      }
      continue;
    }
    if (runs.length === 0) wrong('none is lost', 'never started and is not in failed');
    else if (job.class in OWN_ERROR) wrong('none is lost', 'should be in failed and is not');
    else if (job.class === 'Drop' ? runs.every((run) => !run.end) : !endedWell) {
      wrong('none is lost', 'never ended and is not in failed');
    }
  }
  violations.push(...strangers(evidence, entries), ...outOfOrder(evidence));
  return { violations, tallies: [...tallies.values()], failedUnstarted, unsureTaken };
}

type Wrong = (promise: BrokenPromise, what: string) => void;
type ByPid = ReadonlyMap<number, readonly Excuse[]>;

function checkTimes(job: PushedJob, runs: readonly Run[], wrong: Wrong): void {
  const [first] = runs;
  if (first && first.startedAt < job.dueAt) {
    wrong('none starts early', `started ${job.dueAt - first.startedAt} ms before it was due`);
  }
  const waits = BACKOFF[job.class] ?? [0];
  for (const [i, run] of runs.entries()) {
    const before = runs[i - 1];
    if (!before?.end || !isRetry(before, run)) continue;
    const wait = 1_000 * (waits[before.attempt - 1] ?? waits.at(-1) ?? 0);
    const waited = run.startedAt - before.end.at;
    if (waited < wait) wrong('none starts early', `attempt ${run.attempt} came after ${waited} ms, not ${wait}`);
  }
}

/** It failed before the other run started. */
const failedBefore = ({ end }: Run, run: Run) => end?.well === false && end.line < run.line;
/** The attempt that a failure asked for. */
const isRetry = (before: Run, run: Run) => failedBefore(before, run) && run.attempt === before.attempt + 1;

const isSeen = (kind: Excuse['kind']) => kind === 'reclaimed' || kind === 'seen';
/** Longer than a process stands still, ms. */
const STILL_MS = 15_000;

/** @returns how often it ran again because a process had died or lost its lease */
export function checkReruns(runs: readonly Run[], byPid: ByPid, wrong: Wrong): number {
  let reruns = 0;
  for (const [i, run] of runs.entries()) {
    const before = runs[i - 1];
    if (!before || isRetry(before, run)) continue;
    reruns++;
    const excused = byPid.get(before.pid)?.some(({ at, late }) => at >= before.startedAt && at <= run.startedAt + late);
    if (excused) continue;
    // Or the later one had lost it, and did not know yet: a process that stood still goes on where it was.
    const wasLost = byPid
      .get(run.pid)
      ?.some(({ kind, at }) => isSeen(kind) && at <= run.startedAt && run.startedAt - at <= STILL_MS);
    if (wasLost) continue;
    wrong('none runs twice without a death', `process ${before.pid} ran it and neither died nor lost its lease since`);
  }
  return reruns;
}

function checkAttempts(job: PushedJob, runs: readonly Run[], wrong: Wrong): void {
  if (isOnce(job) && runs.length > 1) wrong('at most once is at most once', `started ${runs.length} times`);
  const allowed = attemptsOf(job);
  for (const run of runs) {
    const failures = new Set(runs.filter((one) => failedBefore(one, run)).map(({ attempt }) => attempt));
    if (failures.size >= run.attempt - 1 && run.attempt <= allowed) continue;
    wrong('deaths are not attempts', `was at attempt ${run.attempt} of ${allowed} after ${failures.size} failures`);
    return;
  }
}

/** It is in `failed` for what its handler threw. */
function checkFailure(job: PushedJob, runs: readonly Run[], wrong: Wrong): void {
  const last = attemptsOf(job);
  if (runs.some(({ attempt, end }) => attempt === last && end?.well === false)) return;
  wrong('in failed for its own reason only', `its attempt ${last}, the last one, did not fail`);
}

/** It is in `failed` for the deaths of its workers. */
function checkDeaths(job: PushedJob, entry: FailedJob, evidence: Evidence, byPid: ByPid, wrong: Wrong): void {
  const held = evidence.holders(job.id);
  const lost = held.reduce((sum, pid) => sum + losses(byPid.get(pid) ?? []), 0);
  if (lost >= (isOnce(job) ? 1 : DEATHS)) return;
  const reason = `${entry.exception}: ${entry.error}`;
  wrong('in failed for its own reason only', `${lost} times a worker that held it (${held}) was lost; “${reason}”`);
}

const attemptsOf = (job: PushedJob) => ATTEMPTS[job.class] ?? 1;

const isOnce = (job: PushedJob) => job.class === 'Once' || job.class === 'OnceFail';

/** Jobs that ran or failed and that nobody pushed. */
function strangers(evidence: Evidence, entries: ReadonlyMap<string, unknown>): Violation[] {
  const known = new Set(evidence.jobs.map(({ id }) => id));
  return [...evidence.runs.keys(), ...entries.keys()]
    .filter((id) => !known.has(id))
    .map((id) => ({ promise: 'nothing runs that nobody pushed', what: `a job ${JSON.stringify(id)}` }));
}

function outOfOrder({ jobs, runs }: Evidence): Violation[] {
  const ids = jobs.flatMap(({ id, queue }) => (queue === LEDGER && runs.has(id) ? [id] : []));
  const own = ids.flatMap((id) => runs.get(id) ?? []).sort((a, b) => a.line - b.line);
  return inOrder(own, ids).map((what) => ({ promise: 'a serial queue keeps its order', what }));
}

const emptyTally = (name: ChaosClass): Tally => ({
  class: name,
  jobs: 0,
  unsure: 0,
  'ended well': 0,
  failed: 0,
  'failed by deaths': 0,
  starts: 0,
  'reruns after a death': 0,
});
