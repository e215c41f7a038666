import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { StartingJob, SyncReply } from '../../shared/broker/broker.ts';
import type { JobContext } from '../../shared/job/context.ts';
import { type AnyJobDefinition, defineJob, type JobDefinition } from '../../shared/job/define.ts';
import type { Enqueue } from '../../shared/job/enqueue.ts';
import { type BoundJob, createRegistry } from '../../shared/job/registry.ts';
import { silentLogger } from '../../shared/log.ts';
import type { Job, RawJob } from '../../shared/types.ts';
import type { AttemptDeps } from '../../shared/worker/attempt.ts';
import { ManualClock } from './manual-clock.ts';

/** Things that tests need in passing: each is complete, and a test names only what matters to it. */

export function rawJob(payload: string | Buffer, given: Partial<Pick<RawJob, 'queue' | 'seq'>> = {}): RawJob {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
  const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined;
  return { queue: 'myqueue', seq: 7, size: bytes.length, bytes, text, ...given };
}

/** An at-most-once job that is about to start. */
export function starting(raw: RawJob): StartingJob {
  return { raw, marked: true, effects: [] };
}

/** A job as `decode` would give it. */
export function aJob(given: Partial<Job> = {}): Job {
  const payload = given.payload ?? JSON.stringify({ class: given.class ?? 'Hello', args: given.args ?? [] });
  return {
    raw: rawJob(payload),
    class: 'Hello',
    args: [],
    id: 'token-7',
    attemptsId: 'token-7',
    attempt: 1,
    deaths: 0,
    payload,
    queueTime: undefined,
    activeJob: undefined,
    delayed: false,
    cron: undefined,
    statusId: undefined,
    control: undefined,
    trace: undefined,
    flow: undefined,
    plugins: undefined,
    ...given,
  };
}

/** A definition as the registry holds it, whatever its arguments. */
export function anyDefinition(definition: AnyJobDefinition): JobDefinition {
  return definition as JobDefinition;
}

export function bound(definition: AnyJobDefinition, given: Partial<Job> = {}): BoundJob {
  const handler = createRegistry([definition]).handlerFor(definition.class, definition.activeJob !== undefined);
  if (!handler) throw new Error(`no handler for ${definition.class}`);
  return { job: aJob({ class: definition.class, ...given }), handler };
}

/** A bound job of which only the handler matters. */
export function boundTo(perform: JobDefinition['perform'], given: Partial<Job> = {}): BoundJob {
  return bound(defineJob({ class: 'Hello', perform }), given);
}

const noEnqueue: Enqueue = () => Promise.reject(new Error('this test enqueues nothing'));

export function attemptDeps(given: Partial<AttemptDeps> = {}): AttemptDeps {
  return {
    clock: new ManualClock(),
    log: silentLogger,
    enqueue: noEnqueue,
    onProgress() {},
    deadline: undefined,
    redisNow: () => 0,
    attempts: 5,
    timeout: 900_000,
    ...given,
  };
}

/** A context for handlers that do not look into it. */
export const aContext = {
  job: { class: 'Hello', queue: 'myqueue', id: 'token-7', attempt: 1, attempts: 5, deaths: 0, payload: '{}' },
  signal: new AbortController().signal,
  timeLeft: () => Infinity,
  log: silentLogger,
  enqueue: noEnqueue,
} as unknown as JobContext;

/** What a sync brings when nothing is to be had. */
export function syncReply(given: Partial<SyncReply> = {}): SyncReply {
  return {
    kind: 'held',
    now: 0,
    missing: 0,
    refused: [],
    wrong: [],
    jobs: [],
    paused: false,
    pausedQueues: [],
    pausedHasJobs: false,
    more: false,
    passedOver: { forPlace: 0, forWorker: 0 },
    alone: false,
    heldElsewhere: false,
    serial: [],
    queues: [],
    left: new Map(),
    ...given,
  };
}

/** Bytes captured from real producers. */
export interface Vector {
  readonly producer: string;
  readonly note: string;
  readonly key: string;
  readonly raw: string;
}

export function vectors(): Vector[] {
  const lines = readFileSync(new URL('../wire/vectors.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as Vector);
}

/** Random numbers that are the same in each run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
