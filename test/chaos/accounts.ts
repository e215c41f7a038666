/** Accounts for every job: it ran to its right end as often as it may, or is in `failed` for the right reason. */
import type { FailedJob } from '../helpers/chaos-bed.ts';
import type { Run } from '../helpers/chaos-log.ts';
import { type Excuse, losses } from './excuses.ts';
import { type ChaosClass, LEDGER, type PushedJob } from './plan.ts';
import { inOrder } from './serial.ts';

export interface Violation {
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
    const wrong = (what: string) => void violations.push({ id: job.id, what });
    const excused = (from: Run, to: Run) =>
      byPid.get(from.pid)?.some(({ at, late }) => at >= from.startedAt && at <= to.startedAt + late) ?? false;
    const held = evidence.holders(job.id);
    const lost = held.reduce((sum, pid) => sum + losses(byPid.get(pid) ?? []), 0);
    const tally = tallies.get(job.class) ?? emptyTally(job.class);
    tallies.set(job.class, tally);
    tally.jobs++;
    if (job.unsure) tally.unsure++;
    tally.starts += runs.length;
    if (job.unsure && runs.length === 0 && failed.length === 0) continue;
    if (job.unsure) unsureTaken++;

    const late = runs.find((run) => run.startedAt < job.dueAt);
    if (late) wrong(`started ${job.dueAt - late.startedAt} ms before it was due`);
    for (const [i, run] of runs.entries()) {
      const before = runs[i - 1];
      if (!before) continue;
      const retried = before.end?.well === false && run.attempt === before.attempt + 1;
      const wait = (BACKOFF[job.class]?.[before.attempt - 1] ?? BACKOFF[job.class]?.at(-1) ?? 0) * 1_000;
      if (retried && run.startedAt < (before.end?.at ?? 0) + wait) wrong(`attempt ${run.attempt} came too early`);
      if (retried) continue;
      tally['reruns after a death']++;
      if (!excused(before, run)) {
        wrong(`ran again although process ${before.pid}, which ran it, neither died nor lost its lease in between`);
      }
    }
    wrongAttempts(job, runs).forEach(wrong);

    if (failed.length > 1) wrong(`is ${failed.length} times in failed`);
    const [entry] = failed;
    const endedWell = runs.some((run) => run.end?.well);
    if (endedWell) tally['ended well']++;
    if (entry) {
      const reason = `${entry.exception}: ${entry.error}`;
      const own = OWN_ERROR[job.class]?.test(reason) ?? false;
      tally[own ? 'failed' : 'failed by deaths']++;
      const once = isOnce(job);
      if (own && runs.every((run) => run.end?.well !== false)) wrong(`is in failed for ${reason}, but never failed`);
      if (own && !runs.some((run) => run.attempt === (ATTEMPTS[job.class] ?? 1))) {
        wrong('is in failed before its last attempt');
      }
      if (!own && lost < (once ? 1 : DEATHS)) {
        wrong(`is in failed for “${reason}”, but ${lost} of the workers that held it (${held}) died or lost a lease`);
      }
      if (once && runs.length === 0) {
        failedUnstarted++;
        if (!held.some((pid) => evidence.isMarked(pid, job.id))) wrong('is in failed, and was never to be started');
      }
      continue;
    }
    if (runs.length === 0) wrong('never started and is not in failed: lost');
    else if (job.class in OWN_ERROR) wrong('should be in failed and is not');
    else if (job.class === 'Drop' ? runs.every((run) => !run.end) : !endedWell)
      wrong('never ended and is not in failed');
  }
  violations.push(...strangers(evidence, entries), ...outOfOrder(evidence));
  return { violations, tallies: [...tallies.values()], failedUnstarted, unsureTaken };
}

/** Deaths are no attempts, and at most once is at most once. */
function wrongAttempts(job: PushedJob, runs: readonly Run[]): string[] {
  const wrong: string[] = [];
  if (isOnce(job) && runs.length > 1) wrong.push(`started ${runs.length} times, at most once was promised`);
  const most = Math.max(0, ...runs.map((run) => run.attempt));
  if (most > (ATTEMPTS[job.class] ?? 1)) wrong.push(`had attempt ${most} of ${ATTEMPTS[job.class] ?? 1}`);
  for (const [i, run] of runs.entries()) {
    const failures = new Set(runs.slice(0, i).flatMap(({ end, attempt }) => (end?.well === false ? [attempt] : [])));
    if (failures.size < run.attempt - 1) {
      wrong.push(`was at attempt ${run.attempt} after ${failures.size} failures: a death was counted as an attempt`);
      break;
    }
  }
  return wrong;
}

const isOnce = (job: PushedJob) => job.class === 'Once' || job.class === 'OnceFail';

/** Jobs that ran or failed and that nobody pushed. */
function strangers(evidence: Evidence, entries: ReadonlyMap<string, unknown>): Violation[] {
  const known = new Set(evidence.jobs.map(({ id }) => id));
  return [...evidence.runs.keys(), ...entries.keys()]
    .filter((id) => !known.has(id))
    .map((id) => ({ what: `there is a job ${JSON.stringify(id)} that nobody pushed` }));
}

function outOfOrder({ jobs, runs }: Evidence): Violation[] {
  const ids = jobs.flatMap(({ id, queue }) => (queue === LEDGER && runs.has(id) ? [id] : []));
  const own = ids.flatMap((id) => runs.get(id) ?? []).sort((a, b) => a.line - b.line);
  return inOrder(own, ids).map((what) => ({ what: `the serial queue lost its order: ${what}` }));
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
