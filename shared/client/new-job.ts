import { LAST_DATE } from '../clock.ts';
import { type DurationRule, durationMs } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import type { Args, Enqueued, EnqueueOptions, JobRef, Target } from '../job/enqueue.ts';
import { newPayload } from '../job/new-payload.ts';
import type { Registry } from '../job/registry.ts';
import { checkArgs } from '../job/schema.ts';
import { noSuchOption, type OptionsOf, shown, unknownOption } from '../options.ts';
import { type TraceContext, traceContext } from '../telemetry.ts';
import { newId, newTrackedId } from '../wire/payload.ts';
import { type Asked, askedOf, countsFromDue } from './job-control.ts';

/** One job of `enqueueAll`. */
export interface EnqueueItem<In extends Args = Args> extends EnqueueOptions<In> {
  /** A definition, or the name of a class that is defined elsewhere. */
  readonly job: Target<In>;
  /** One element for each argument; JSON values, and bigints. */
  readonly args: NoInfer<In>;
}

/** A job that can be pushed. */
export interface NewJob extends Enqueued {
  /** What it needs besides; absent for most. */
  readonly asked?: Asked | undefined;
}

/** Of one job: options, and what goes before them. */
export const ITEM = {
  queue: true,
  in: true,
  at: true,
  metadata: true,
  unique: true,
  track: true,
  expires: true,
  deadline: true,
  trace: true,
  job: false,
  args: false,
} satisfies OptionsOf<EnqueueItem>;

const IN: DurationRule = { refuseSmall: true };

interface NewJobDeps {
  readonly registry: Registry | undefined;
  /** Of jobs that do not say. */
  readonly metadata: boolean;
  /** The producer's own time, epoch ms. */
  readonly wallClock: () => number;
  /** Of those that do not say. */
  readonly trace?: TraceContext | undefined;
}

/** Is Redis's time needed for it? */
export function needsTime(item: EnqueueItem | null | undefined, registry: Registry | undefined): boolean {
  if (item?.at !== undefined || item?.in !== undefined) return true;
  return typeof item === 'object' && item !== null && countsFromDue(item, definitionIn(item.queue, item.job, registry));
}

/** @param now Redis's time, epoch ms, where it is needed  @throws ConfigError, ArgumentsError */
export function newJob(
  item: EnqueueItem,
  now: number,
  { registry, metadata, wallClock, trace: active }: NewJobDeps,
): NewJob | Promise<NewJob> {
  const { name, definition: own } = resolve(item.job, registry);
  const unknown = unknownOption(item, ITEM);
  if (unknown !== undefined) throw noSuchOption(`enqueue ${name}`, unknown, item, ITEM);
  if (!Array.isArray(item.args)) {
    throw new ConfigError(
      `enqueue ${name}: args must be an array, one element for each argument; got ${typeof item.args}.`,
    );
  }
  const queue = queueOf(name, item.queue ?? own?.queue);
  const definition = withDefaults(own, name, queue, registry);
  const trace = item.trace === undefined ? active : givenTrace(name, item.trace);
  const at = dueAt(name, item, now);
  const write = (): NewJob => {
    const asked = askedOf(name, item, definition, { due: at?.getTime() ?? now, delayed: at !== undefined });
    const id = asked?.keep !== undefined ? newTrackedId() : idFor(item.metadata ?? metadata, definition, asked);
    const job = { class: name, args: item.args, queue, at, id, now: wallClock(), control: asked?.control, trace };
    const payload = newPayload(definition, job);
    if (asked === undefined) return { id, queue, payload, at, duplicate: false };
    return { id, queue, payload, at, duplicate: false, asked };
  };
  if (definition?.args === undefined) return write();
  // The schema only checks here: what it makes of the arguments is for the handler, not for the wire.
  const checked = checkArgs(definition, item.args);
  return checked instanceof Promise ? checked.then(write) : write();
}

/** @throws ConfigError */
function givenTrace(name: string, given: TraceContext): TraceContext {
  const trace = traceContext(given?.traceparent, given?.tracestate);
  if (trace) return trace;
  throw new ConfigError(
    `enqueue ${name}: trace must have a traceparent of W3C, such as { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }; got ${shown(given)}.`,
  );
}

function idFor(metadata: boolean, definition: JobRef | undefined, asked: Asked | undefined): string | undefined {
  return metadata || definition?.activeJob || asked?.lock ? newId() : undefined;
}

function definitionOf(job: Target | undefined, registry: Registry | undefined): JobRef | undefined {
  if (typeof job !== 'string') return job;
  return (registry?.handlerFor(job) ?? registry?.handlerFor(job, true))?.definition;
}

/** As it holds in the queue that the job goes to. */
function withDefaults(
  definition: JobRef | undefined,
  name: string,
  queue: string | undefined,
  registry: Registry | undefined,
): JobRef | undefined {
  if (!registry?.defaults) return definition;
  // Of a class that is defined elsewhere, too.
  const merged = registry.defaults.of(definition ?? UNDEFINED, name, queue);
  return merged === UNDEFINED ? undefined : merged;
}

const UNDEFINED: JobRef = { class: '' };

export function definitionIn(
  queue: unknown,
  job: Target | undefined,
  registry: Registry | undefined,
): JobRef | undefined {
  const own = definitionOf(job, registry);
  const name = typeof job === 'string' ? job : own?.class;
  if (!registry?.defaults || typeof name !== 'string') return own;
  return withDefaults(own, name, typeof queue === 'string' ? queue : own?.queue, registry);
}

function resolve(job: Target, registry: Registry | undefined): { name: string; definition: JobRef | undefined } {
  if (typeof job === 'string') {
    if (job === '') throw new ConfigError('enqueue: the class must be a name; got "".');
    return { name: job, definition: definitionOf(job, registry) };
  }
  if (typeof job?.class !== 'string') {
    throw new ConfigError(
      `enqueue: the job must be what defineJob returns, or the name of a class; got ${shown(job)}.`,
    );
  }
  if (job.class.endsWith('*')) {
    throw new ConfigError(
      `enqueue: ${JSON.stringify(job.class)} stands for many classes. Give the class by name, such as ${JSON.stringify(job.class.replace(/\*$/, 'name'))}.`,
    );
  }
  return { name: job.class, definition: job };
}

function queueOf(name: string, queue: string | undefined): string {
  if (queue === undefined || queue === '') {
    throw new ConfigError(`enqueue ${name}: no queue. Give options.queue, or a queue in the job's definition.`);
  }
  if (typeof queue !== 'string') {
    throw new ConfigError(`enqueue ${name}: the queue must be a name; got ${shown(queue)}.`);
  }
  if (!queue.isWellFormed()) {
    throw new ConfigError(
      `enqueue ${name}: the queue ${JSON.stringify(queue)} cannot be written as UTF-8. Name another.`,
    );
  }
  return queue;
}

/** The second of the delayed list; undefined for what is due. @param now epoch ms */
function dueAt(name: string, item: Pick<EnqueueItem, 'at' | 'in'>, now: number): Date | undefined {
  if (item.at !== undefined && item.in !== undefined) {
    throw new ConfigError(`enqueue ${name}: at and in both say when. Give one of them.`);
  }
  if (item.at !== undefined && typeof item.at?.getTime !== 'function') {
    throw new ConfigError(
      `enqueue ${name}: at must be a Date, such as new Date('2026-12-01T09:00:00Z'); got ${shown(item.at)}.`,
    );
  }
  const ms = item.in === undefined ? item.at?.getTime() : now + durationMs(item.in, `enqueue ${name}: in`, IN);
  if (ms === undefined) return undefined;
  if (!(ms >= 0 && ms <= LAST_DATE)) {
    throw new ConfigError(
      `enqueue ${name}: the time must be a valid Date after 1970; got ${item.in === undefined ? item.at : `in ${item.in}`}.`,
    );
  }
  const second = ms - (ms % 1000);
  return second > now ? new Date(second) : undefined;
}
