import type { SyncReply, SyncRequest } from '../broker/broker.ts';
import { retryMember } from '../broker/ops/retry.ts';
import { failureEffects } from '../broker/removal.ts';
import type { Clock } from '../clock.ts';
import type { FlowLists } from '../flow-mark.ts';
import type { Progress } from '../job/progress.ts';
import type { Edit, Effect, Gate, Job, Outcome, RawJob, RunStats, Settlement, SettleOp } from '../types.ts';
import { raisedExecutions } from '../wire/active-job/envelope.ts';
import { addError } from '../wire/attempt-errors.ts';
import { unsplice } from '../wire/attempts-record.ts';
import { newAttemptsId, type Undecodable } from '../wire/decode.ts';
import { buriedEntry, errorInfo, type FailedEntryFields, failedEntry } from '../wire/failed-entry.ts';
import { rubyCanShow } from '../wire/ruby/can-show.ts';
import { tokenOf } from '../wire/worker-id.ts';
import { effectsOf, hasEffects } from './effects.ts';
import type { PluginEffects } from './plugin-effects.ts';
import { RunTally } from './run-tally.ts';
import { divide, isPlain } from './settle-portion.ts';
import { StartEffects } from './start-effects.ts';

/** What a key did not take is tried again after so many ms, each time twice as many. */
const FIRST_AGAIN_MS = 1_000;
const LONGEST_AGAIN_MS = 30_000;

const NO_EFFECTS: readonly Effect[] = [];
const DONE: SettleOp = { kind: 'done' };

interface PendingResultsOptions {
  readonly clock: Clock;
  readonly plugins: PluginEffects;
  /** The worker's id as it is now. */
  readonly worker: () => string;
  /** Redis's time, epoch ms. */
  readonly redisNow: () => number;
  /** By how much that is ahead of our clock, ms. */
  readonly ahead: () => number;
  /** Those that let it through. */
  readonly gatesOf: (raw: RawJob) => readonly Gate[];
  /** The worker is about to end: with lists of flows, of which Redis has notes, a scheduler goes on. */
  readonly isEnding: () => boolean;
  /** Somebody has said that it is to be cancelled. */
  readonly isCancelled: (job: Job) => boolean;
  /** Longest wait for company, ms. */
  readonly within: number;
}

/** What has ended and has to be told to Redis, until the next sync takes it along. */
export class PendingResults {
  readonly #options: PendingResultsOptions;
  #settlements: Settlement[] = [];
  /** All of them are done, or given back as they are. */
  #allPlain = true;
  /** Of those that are only done. */
  readonly #ran = new RunTally();
  readonly #starts: StartEffects;
  #lists: readonly FlowLists[] = [];
  #dueAt = Infinity;
  #refused: Settlement[] = [];
  #againAt = Infinity;
  #again = FIRST_AGAIN_MS;

  constructor(options: PendingResultsOptions) {
    this.#options = options;
    this.#starts = new StartEffects(options.plugins);
  }

  /** Number of settlements that can go, and of flows that wait for their lists. */
  get size(): number {
    return this.#settlements.length + (this.#options.isEnding() ? 0 : this.#lists.length);
  }

  /** Number of settlements, those that a key did not take among them. */
  get unsettled(): number {
    return this.#settlements.length + this.#refused.length;
  }

  /** When it should be on its way at the latest, epoch ms; Infinity while there is nothing. */
  get dueAt(): number {
    return Math.min(this.#dueAt, this.#againAt);
  }

  started(job: Job): void {
    if (!hasEffects(job)) return;
    if (this.#starts.started(job, this.#options.redisNow())) this.#due();
  }

  /** The last one counts: there is one write a sync. @returns whether that is due earlier now */
  progress(job: Job, progress: Progress): boolean {
    const before = this.#dueAt;
    if (this.#starts.progress(job, progress)) this.#due();
    return this.#dueAt < before;
  }

  /**
   * @param marked it is an at-most-once job that may have started
   * @param ms how long its handler ran  @param startedAt on our clock; undefined if it did not
   */
  ended(job: Job, outcome: Outcome, marked: boolean, ms: number, startedAt?: number): void {
    const through = this.#options.gatesOf(job.raw);
    if (!hasEffects(job) && through.length === 0 && !this.#options.isCancelled(job)) {
      const op = this.#opOf(job, outcome);
      if (op === DONE && !marked) {
        this.#ran.add(job.raw.queue, job.class, outcome.kind === 'succeeded', ms, this.#waitOf(job, startedAt));
        this.#add({ raw: job.raw, marked, outcome: op, effects: NO_EFFECTS });
      } else {
        const run = this.#runOf(job, outcome, ms, startedAt);
        this.#add({ raw: job.raw, marked, outcome: op, effects: NO_EFFECTS, run });
      }
      return;
    }
    const run = this.#runOf(job, outcome, ms, startedAt);
    const { redisNow, worker, plugins, isCancelled } = this.#options;
    const now = redisNow();
    const effects = [
      ...(job.plugins ? plugins.ended(job, outcome, now) : []),
      ...effectsOf(job, outcome, {
        ...this.#starts.ended(job),
        now,
        member: retryMember(worker(), job.raw),
        gates: through,
        isCancelled: isCancelled(job),
      }),
    ];
    this.#add({ raw: job.raw, marked, outcome: this.#opOf(job, outcome), effects, run });
  }

  undecodable({ raw, error, isObject, isUtf8 }: Undecodable): void {
    const fields = this.#entryFields(raw.queue, error);
    const outcome: SettleOp = isUtf8
      ? { kind: isObject && rubyCanShow(raw.text ?? '') ? 'fail' : 'failText', ...failedEntry(fields) }
      : { kind: 'failBinary', entry: buriedEntry(fields, original(raw.bytes)) };
    const run: RunStats = { class: undefined, outcome: 'failed', ms: 0, wait: undefined };
    // Somebody has changed it since it was enqueued: what it holds may stand there still.
    const now = this.#options.redisNow();
    const effects = failureEffects(raw.text ?? raw.bytes.toString('latin1'), raw.queue, now, errorText(error));
    this.#add({ raw, marked: false, outcome, effects, run });
  }

  /** Jobs that were reserved but did not start. */
  release(raws: readonly RawJob[]): void {
    for (const raw of raws) {
      const gates = this.#options.gatesOf(raw);
      const effects = gates.length > 0 ? [{ kind: 'leave', gates, queue: raw.queue } as const] : NO_EFFECTS;
      this.#add({ raw, marked: false, outcome: { kind: 'release', to: 'head' }, effects });
    }
  }

  /** The worker is about to die, and this job ran: it goes back with one death more. @param to head in a serial queue */
  died(job: Job, to: 'head' | 'tail'): void {
    const errors = errorsOf(job);
    const counts = { id: this.#attemptsId(job), attempts: job.attempt - 1, deaths: job.deaths + 1 };
    const record = errors === undefined ? counts : { ...counts, errors };
    const gates = this.#options.gatesOf(job.raw);
    const effects = gates.length > 0 ? [{ kind: 'leave', gates, queue: job.raw.queue } as const] : NO_EFFECTS;
    this.#add({ raw: job.raw, marked: false, outcome: { kind: 'release', to, record }, effects });
  }

  /** What comes of it: settlements that a key did not take, and flows with whose lists the next sync goes on. */
  answered({ refused, flowLists = [] }: Pick<SyncReply, 'refused' | 'flowLists'>): void {
    this.#lists = this.#options.isEnding() ? [] : flowLists;
    if (this.#lists.length > 0) this.#dueAt = -Infinity;
    if (refused.length === 0) return;
    this.#refused.push(...refused);
    this.#againAt = this.#options.clock.now() + this.#again;
    this.#again = Math.min(LONGEST_AGAIN_MS, 2 * this.#again);
  }

  /** What goes with the next sync: all that is only done or given back, and as much of the rest as it may take, the first first. */
  take(): Pick<SyncRequest, 'settle' | 'ran'> & { readonly effects: readonly Effect[] } {
    if (this.#options.clock.now() >= this.#againAt) {
      for (const one of this.#refused) this.#push(one);
      this.#refused = [];
      this.#againAt = Infinity;
    } else if (this.#againAt === Infinity) {
      this.#again = FIRST_AGAIN_MS;
    }
    const settle = this.#takeFitting();
    const effects = [...this.#starts.take(), ...this.#lists.map((flow) => ({ kind: 'flowLists', ...flow }) as const)];
    this.#lists = [];
    this.#dueAt = this.#settlements.length > 0 ? -Infinity : Infinity;
    const ran = this.#ran.take();
    return ran.length === 0 ? { settle, effects } : { settle, effects, ran };
  }

  /** Forgets all. @returns how many jobs are not settled */
  takeAll(): number {
    const count = this.unsettled;
    this.#settlements = [];
    this.#allPlain = true;
    this.#ran.take();
    this.#refused = [];
    this.#againAt = Infinity;
    this.#starts.clear();
    this.#lists = [];
    this.#dueAt = Infinity;
    return count;
  }

  forEach(visit: (settlement: Settlement) => void): void {
    for (const one of this.#settlements) visit(one);
    for (const one of this.#refused) visit(one);
  }

  #takeFitting(): Settlement[] {
    const all = this.#settlements;
    const allPlain = this.#allPlain;
    this.#settlements = [];
    this.#allPlain = true;
    if (allPlain) return all;
    const { fitting, rest } = divide(all);
    for (const one of rest) this.#push(one);
    return fitting;
  }

  #opOf(job: Job, outcome: Outcome): SettleOp {
    switch (outcome.kind) {
      case 'succeeded':
      case 'discarded':
        return DONE;
      case 'released':
        return { kind: 'release', to: outcome.to };
      case 'retried': {
        const told = { attempt: job.attempt, at: this.#options.redisNow(), error: errorText(outcome.error) };
        const errors = addError(errorsOf(job), told);
        const record = { id: this.#attemptsId(job), attempts: job.attempt, deaths: job.deaths, errors };
        const edit = job.activeJob && inBytes(job.payload, raisedExecutions(job.payload, outcome.exceptions));
        return { kind: 'retry', delay: outcome.delay, record, ...(edit ? { edit } : {}) };
      }
      case 'failed':
        return {
          kind: rubyCanShow(job.payload) ? 'fail' : 'failText',
          ...failedEntry(this.#entryFields(job.raw.queue, outcome.error)),
        };
    }
  }

  #runOf(job: Job, { kind }: Outcome, ms: number, startedAt: number | undefined): RunStats | undefined {
    if (kind === 'released') return undefined;
    const wait = this.#waitOf(job, startedAt);
    return { class: job.class, outcome: kind, ms, wait: wait >= 0 ? wait : undefined };
  }

  /** NaN where it is not known: what waited elsewhere since then, or ran before, does not tell how long its queue takes. */
  #waitOf({ queueTime, attempt, deaths, delayed }: Job, startedAt: number | undefined): number {
    if (queueTime === undefined || startedAt === undefined || attempt > 1 || deaths > 0 || delayed) return Number.NaN;
    return Math.max(0, startedAt + this.#options.ahead() - queueTime);
  }

  #attemptsId(job: Job): string {
    return job.attemptsId ?? newAttemptsId(tokenOf(this.#options.worker()), job.raw);
  }

  #entryFields(queue: string, thrown: unknown): FailedEntryFields {
    const { redisNow, worker } = this.#options;
    return { failedAt: new Date(redisNow()), thrown, worker: worker(), queue };
  }

  #add(settlement: Settlement): void {
    this.#push(settlement);
    if (this.#dueAt === Infinity) this.#due();
  }

  #push(settlement: Settlement): void {
    this.#settlements.push(settlement);
    this.#allPlain &&= isPlain(settlement);
  }

  #due(): void {
    const { clock, within } = this.#options;
    this.#dueAt = Math.min(this.#dueAt, clock.now() + within);
  }
}

function errorText(thrown: unknown): string {
  const { exception, error } = errorInfo(thrown);
  return `${exception}: ${error}`;
}

/** Redis counts bytes. */
function inBytes(payload: string, edit: Edit | undefined): Edit | undefined {
  return edit && { ...edit, at: Buffer.byteLength(payload.slice(0, edit.at)) };
}

/** The errors of its past attempts. Not read with each job, since few have some. */
function errorsOf({ raw, attemptsId }: Job): string | undefined {
  return attemptsId === undefined ? undefined : unsplice(raw.text ?? '').record?.errors;
}

/** Bytes without the record of past attempts, which a payload can have got that nobody could read. */
function original(bytes: Buffer): Buffer {
  return Buffer.from(unsplice(bytes.toString('latin1')).payload, 'latin1');
}
