import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { type Duration, durationMs } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import type { Args, Target } from '../job/enqueue.ts';
import { stringify } from '../json.ts';
import { arrivingArgs, nameOf } from './decode-enqueued.ts';
import type { EnqueuedJob } from './job-run.ts';

/** What else has to be so of a job that was enqueued; what is left out may be anything. */
export interface ExpectedEnqueue {
  /** Where it goes. */
  readonly queue?: string;
  /** When it is due, to the second. */
  readonly at?: Date;
  /** How long after it was enqueued it is due, to the second; 0 for at once. */
  readonly in?: Duration;
  /** So many such jobs, exactly. @default at least one */
  readonly times?: number;
}

/** The arguments, all of them and just as they arrive, or what they have to satisfy. */
type ExpectedArgs = Args | ((args: Args) => boolean);

/** Jobs shown in a message, and characters of the arguments of each. */
const SHOWN = 20;
const SHOWN_ARGS = 200;

/** Is it of this class? A definition may stand for many. */
export function isOf(job: Target, { class: name }: Pick<EnqueuedJob, 'class'>): boolean {
  const wanted = nameOf(job);
  return wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
}

/** @returns those that fit @throws AssertionError that lists what was enqueued; ConfigError where the call makes no sense */
export function expectEnqueued(
  enqueued: readonly EnqueuedJob[],
  job: Target,
  args: ExpectedArgs | undefined,
  expected: ExpectedEnqueue = {},
): EnqueuedJob[] {
  const name = nameOf(job);
  if (expected.at !== undefined && expected.in !== undefined) {
    throw new ConfigError(`expectEnqueued ${name}: at and in both say when. Give one of them.`);
  }
  const delay = expected.in === undefined ? undefined : durationMs(expected.in, `expectEnqueued ${name}: in`);
  const fitsArgs = argsTest(job, args);
  const found = enqueued.filter(
    (one) =>
      isOf(job, one) &&
      fitsArgs(one.args) &&
      (expected.queue === undefined || one.queue === expected.queue) &&
      (expected.at === undefined || isSameSecond(one.at, expected.at)) &&
      (delay === undefined || isDueAfter(one, delay)),
  );
  const { times } = expected;
  if (times === undefined ? found.length > 0 : found.length === times) return found;
  const wanted = [
    `${times === undefined ? '' : `${times} × `}${name}`,
    args === undefined ? '' : typeof args === 'function' ? ' with arguments that fit' : ` ${shownArgs(args)}`,
    expected.queue === undefined ? '' : ` in the queue ${expected.queue}`,
    expected.at === undefined ? '' : ` at ${expected.at.toISOString()}`,
    expected.in === undefined ? '' : ` in ${typeof expected.in === 'number' ? `${expected.in} ms` : expected.in}`,
  ].join('');
  throw new AssertionError({
    message: `Expected to be enqueued: ${wanted}${found.length > 0 ? `; it was enqueued ${found.length} ×` : ''}\n${shown(enqueued)}`,
    actual: enqueued.map(summary),
    expected: { class: name, ...(typeof args === 'function' ? {} : { args }), ...expected },
    operator: 'expectEnqueued',
  });
}

/** @throws AssertionError that lists what was enqueued */
export function expectNothingEnqueued(enqueued: readonly EnqueuedJob[], job: Target | undefined): void {
  const found = job === undefined ? enqueued : enqueued.filter((one) => isOf(job, one));
  if (found.length === 0) return;
  const what = job === undefined ? 'nothing' : `no ${nameOf(job)}`;
  throw new AssertionError({
    message: `Expected ${what} to be enqueued\n${shown(found)}`,
    actual: found.map(summary),
    expected: [],
    operator: 'expectNothingEnqueued',
  });
}

function argsTest(job: Target, args: ExpectedArgs | undefined): (args: Args) => boolean {
  if (args === undefined) return () => true;
  if (typeof args === 'function') return args;
  const arriving = arrivingArgs(job, args);
  return (got) => isDeepStrictEqual(got, arriving);
}

function isSameSecond(at: Date | undefined, expected: Date): boolean {
  return at !== undefined && Math.floor(at.getTime() / 1000) === Math.floor(expected.getTime() / 1000);
}

/** @param delay ms */
function isDueAfter({ at, enqueuedAt }: EnqueuedJob, delay: number): boolean {
  if (at === undefined) return delay < 1000;
  return delay > 0 && Math.abs(at.getTime() - enqueuedAt.getTime() - delay) < 1000;
}

function shown(enqueued: readonly EnqueuedJob[]): string {
  if (enqueued.length === 0) return 'Nothing was enqueued.';
  const lines = enqueued.slice(0, SHOWN).map(({ class: name, args, queue, at }) => {
    return `  ${name} ${shownArgs(args)} in the queue ${queue}${at === undefined ? '' : ` at ${at.toISOString()}`}`;
  });
  const rest = enqueued.length - lines.length;
  return ['Enqueued were:', ...lines, ...(rest > 0 ? [`  and ${rest} more`] : [])].join('\n');
}

function shownArgs(args: Args): string {
  const text = stringify(args);
  return text.length > SHOWN_ARGS ? `${text.slice(0, SHOWN_ARGS)}…` : text;
}

const summary = ({ class: name, args, queue, at }: EnqueuedJob) => ({ class: name, args, queue, at });
