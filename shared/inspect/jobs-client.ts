import type { ControlBroker } from '../broker/control-broker.ts';
import { pausedClassOf, readParked } from '../broker/gate.ts';
import { removalEffects } from '../broker/removal.ts';
import { ConfigError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import { readStatus, type TrackedJob } from '../wire/read-status.ts';
import { cancelOf } from './cancel.ts';
import { badCursor, checkLimit, needleOf } from './cursor.ts';
import type { Failed } from './failed.ts';
import { type JobPlace, readPlace, writePlace } from './job-places.ts';
import { type JobSearchDeps, jobLooks, parkedView } from './job-search.ts';
import { type JobState, type JobView, jobView } from './job-view.ts';
import { type WaitDeps, waitFor } from './job-wait.ts';
import type { FoundJobs, JobQuery, Jobs } from './jobs.ts';
import type { Scheduled, WaitingJob } from './scheduled.ts';

interface JobsDeps extends JobSearchDeps, Omit<WaitDeps, 'jobs'> {
  /** For what it does with waiting jobs, and with failed ones. */
  readonly waiting: Scheduled;
  readonly failed: Failed;
  readonly control: ControlBroker;
  /** Tells the queue of a delayed job that names none. */
  readonly registry?: Registry;
}

const PAGE = 25;
/** Payloads that one call looks at, bytes of them, and looks that it takes. */
const LOOKED_AT = 60_000;
const BYTES = 25_165_824;
const LOOKS = 7;
/** In one script. */
const AT_ONCE = 20_000;
const BYTES_AT_ONCE = 8_388_608;

export function createJobs(deps: JobsDeps): Jobs {
  const { lists, jobs, waiting, failed, registry, control } = deps;
  const looks = jobLooks(deps);
  const states = [...looks.keys()];

  async function find(query: JobQuery): Promise<FoundJobs> {
    const { limit = PAGE, cursor = '' } = query;
    checkLimit(limit);
    const wanted = statesOf(query.states, states);
    const items: JobView[] = [];
    if (cursor === '' && query.id !== undefined && (query.states === undefined || query.states.includes('done'))) {
      const done = await doneJob(query.id);
      if (done && fits(done, query)) items.push(done);
    }
    let [state, at] = startOf(cursor, wanted);
    let scanned = 0;
    let bytes = BYTES;
    for (let i = 0; i < LOOKS && state !== undefined && items.length < limit && scanned < LOOKED_AT && bytes > 0; i++) {
      const look = await looks.get(state)?.(at, {
        texts: textsOf(query, state),
        queue: query.queue,
        most: Math.min(AT_ONCE, LOOKED_AT - scanned),
        bytes: Math.min(BYTES_AT_ONCE, bytes),
        limit: limit - items.length,
      });
      if (!look) break;
      for (const job of look.jobs) if (fits(job, query)) items.push(job);
      scanned += look.scanned;
      bytes -= look.scanned === 0 ? 0 : BYTES_AT_ONCE / 2;
      if (look.cursor === undefined) {
        state = wanted[wanted.indexOf(state) + 1];
        at = '';
      } else {
        at = look.cursor;
      }
    }
    const complete = state === undefined;
    return { items, scanned, complete, cursor: complete ? undefined : `${state};${at}` };
  }

  async function trackedJob(id: string): Promise<TrackedJob | undefined> {
    const record = await jobs.status(id);
    return record === undefined ? undefined : readStatus(id, record);
  }

  /** Of what has ended but did not fail its record is left, without the payload. */
  async function doneJob(id: string): Promise<JobView | undefined> {
    const tracked = await trackedJob(id);
    if (tracked?.state !== 'succeeded' && tracked?.state !== 'discarded') return undefined;
    const origin = {
      state: 'done',
      queue: undefined,
      at: tracked.endedAt,
      place: writePlace({ kind: 'done', id }),
    } as const;
    return { ...jobView(Buffer.alloc(0), origin), id, tracked };
  }

  /** The job as it waits, for what `client.scheduled` does with it. */
  async function waitingJob(place: JobPlace): Promise<WaitingJob | undefined> {
    if (place.kind === 'retry') {
      const payload = await jobs.retryPayload(place.member);
      return payload && waitingOf('retry', place.member, payload);
    }
    if (place.kind !== 'delayed') return undefined;
    const found = await lists.read({ kind: 'delayed', name: place.name }, place.element);
    return found && waitingOf('delayed', place.name, found.bytes);
  }

  async function startParked({ name, element }: Extract<JobPlace, { readonly name: string }>): Promise<boolean> {
    const list = { kind: 'parked', name } as const;
    const paused = pausedClassOf(name);
    if (paused !== undefined && (await control.pausedClasses()).includes(paused)) {
      throw new ConfigError(`run: the class ${paused} is paused, and its jobs start nowhere. Resume the class.`);
    }
    const found = await lists.read(list, element);
    const parked = found && readParked(found.bytes);
    if (!found || !parked) return false;
    const [done] = await lists.change(list, [
      { ...element, position: found.position, to: 'start', gate: name, ...parked },
    ]);
    return done === true;
  }

  const client: Omit<Jobs, 'cancel'> = {
    find,

    async get(id) {
      let cursor: string | undefined = '';
      while (cursor !== undefined) {
        const page: FoundJobs = await find({ id, cursor, limit: 1 });
        const [job] = page.items;
        if (job?.state === 'done') return job;
        if (job) {
          const tracked = await trackedJob(id);
          return tracked ? { ...job, tracked } : job;
        }
        cursor = page.cursor;
      }
      return undefined;
    },

    wait: waitFor(deps),

    async run({ place }) {
      const at = readPlace(place);
      if (at.kind === 'failed') return failed.retry({ place: at.entry });
      if (at.kind === 'queue') {
        const [done] = await lists.change({ kind: 'queue', name: at.name }, [{ ...at.element, to: 'head' }]);
        return done === true;
      }
      if (at.kind === 'held' || at.kind === 'done') throw cannot('run', at);
      if (at.kind === 'parked') return startParked(at);
      const job = await waitingJob(at);
      return job !== undefined && waiting.runNow(job);
    },

    async remove({ place }) {
      const at = readPlace(place);
      if (at.kind === 'failed') return failed.remove({ place: at.entry });
      if (at.kind === 'held' || at.kind === 'done') throw cannot('remove', at);
      if (at.kind !== 'queue' && at.kind !== 'parked') {
        const job = await waitingJob(at);
        return job !== undefined && waiting.remove(job);
      }
      const list = { kind: at.kind, name: at.name };
      const found = await lists.read(list, at.element);
      if (!found) return false;
      const waits = at.kind === 'parked' ? parkedView(found) : jobView(found.bytes, queuedAt(at.name, place));
      const effects = removalEffects(waits.payload, waits.queue ?? '');
      const [done] = await lists.change(list, [{ ...at.element, position: found.position, to: 'nowhere', effects }]);
      return done === true;
    },

    async reschedule({ place }, time) {
      const at = readPlace(place);
      if (at.kind !== 'delayed' && at.kind !== 'retry') throw cannot('reschedule', at);
      const job = await waitingJob(at);
      return job !== undefined && waiting.reschedule(job, time);
    },
  };
  return { ...client, cancel: cancelOf(control, client) };

  function waitingOf(kind: WaitingJob['kind'], name: string, bytes: Buffer): WaitingJob {
    const state = kind === 'retry' ? 'retry' : 'scheduled';
    const view = jobView(bytes, { state, queue: undefined, place: name });
    if (!view.exact && kind === 'delayed') {
      throw new ConfigError(
        'The payload of this scheduled job is not UTF-8, and cannot be named in a command. It goes to the failed list when it is due.',
      );
    }
    const queue = view.queue ?? (view.class && registry?.handlerFor(view.class)?.definition.queue);
    const { class: className, args, attempts } = view;
    const payload = kind === 'delayed' ? bytes.toString('utf8') : view.payload;
    return { kind, at: new Date(0), queue, class: className, args, payload, attempts, place: name };
  }
}

const queuedAt = (queue: string, place: string) => ({ state: 'queued', queue, place }) as const;

/** @throws ConfigError */
function statesOf(given: readonly JobState[] | undefined, known: readonly JobState[]): JobState[] {
  const wrong = given?.find((state) => !known.includes(state) && state !== 'done');
  if (wrong === undefined) return known.filter((state) => given === undefined || given.includes(state));
  throw new ConfigError(`states must be of ${[...known, 'done'].join(', ')}; got ${JSON.stringify(wrong)}.`);
}

function startOf(cursor: string, wanted: readonly JobState[]): [JobState | undefined, string] {
  if (cursor === '') return [wanted[0], ''];
  const at = cursor.indexOf(';');
  const state = wanted.find((one) => one === cursor.slice(0, at));
  if (state === undefined) throw badCursor(cursor);
  return [state, cursor.slice(at + 1)];
}

/** What has to stand in the payload, or the entry, of what fits. */
function textsOf({ id, class: name, queue, text }: JobQuery, state: JobState): string[] {
  // Elsewhere the queue does not stand in the payload.
  const names = [id, name, ...(state === 'failed' || state === 'parked' ? [queue] : [])].flatMap(needleOf);
  return [...names, ...(text ? [text] : [])];
}

function fits(job: JobView, { id, class: name, queue, text }: JobQuery): boolean {
  return (
    (id === undefined || job.id === id) &&
    (name === undefined || job.class === name) &&
    (queue === undefined || job.queue === queue) &&
    (!text || job.payload.includes(text))
  );
}

function cannot(what: string, place: JobPlace): ConfigError {
  if (place.kind === 'queue' || place.kind === 'parked' || place.kind === 'failed') {
    const state = place.kind === 'queue' ? 'queued' : place.kind;
    return new ConfigError(`${what}: a ${state} job has no time; run or remove it.`);
  }
  if (place.kind === 'done') return new ConfigError(`${what}: the job is done, and only its status record is left.`);
  const worker = place.kind === 'held' ? place.worker : '';
  return new ConfigError(
    `${what}: the job is held by the worker ${worker}. Wait until it has ended, or stop that worker, which gives back what it has not begun.`,
  );
}
