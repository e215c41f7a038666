import { markOf } from '../broker/element-digest.ts';
import { readParked } from '../broker/gate.ts';
import type { FoundElement, ListName, SearchResult } from '../broker/lists.ts';
import type { FailedBroker } from '../broker/redis/failed.ts';
import type { JobsBroker } from '../broker/redis/jobs.ts';
import type { ScheduledBroker } from '../broker/redis/scheduled.ts';
import type { ScoredMember } from '../broker/redis/scored-members.ts';
import { orNothing } from '../broker/wrong-key.ts';
import { membersOf } from '../wire/json-members.ts';
import { readDate } from '../wire/read-date.ts';
import { badCursor, readBetween, writeBetween } from './cursor.ts';
import { openEntry } from './failed-entry.ts';
import { writePlace } from './job-places.ts';
import { type JobState, type JobView, jobView } from './job-view.ts';

export interface JobSearchDeps {
  readonly jobs: JobsBroker;
  readonly lists: FailedBroker;
  readonly scheduled: ScheduledBroker;
}

/** What one look may do. */
interface Budget {
  readonly texts: readonly string[];
  /** Only this queue. */
  readonly queue: string | undefined;
  readonly most: number;
  readonly bytes: number;
  readonly limit: number;
}

interface Looked {
  readonly jobs: readonly JobView[];
  readonly scanned: number;
  /** For the next look; undefined where the state was looked through. */
  readonly cursor: string | undefined;
}

/** Looks through the jobs of one state, a piece in each call. @param cursor '' to begin */
type Look = (cursor: string, budget: Budget) => Promise<Looked>;

/** Workers, queues or due times in one call. */
const WORKERS_AT_ONCE = 50;
const LISTS_AT_ONCE = 100;

/**
 * How each state is looked through, in the order in which jobs go from one to the next: one that moves on meanwhile is met
 * where it has gone.
 */
export function jobLooks(deps: JobSearchDeps): ReadonlyMap<JobState, Look> {
  const { jobs, lists, scheduled } = deps;

  async function running(cursor: string, budget: Budget): Promise<Looked> {
    const [, last, first] = /^(-?\d+):([\s\S]*)$/.exec(cursor) ?? [];
    if (first === undefined && cursor !== '') throw badCursor(cursor);
    const all = (await jobs.workers()).filter((worker) => worker >= (first ?? ''));
    const some = all.slice(0, WORKERS_AT_ONCE);
    if (some.length === 0) return { jobs: [], scanned: 0, cursor: undefined };
    const shown = new Map((await jobs.workingOn(some)).map(({ worker, record }) => [worker, workingOnOf(record)]));
    const behind = first !== undefined && some[0] === first ? Number(last) : -1;
    const { found, scanned, end } = await jobs.searchHeld(some, behind, budget);
    const held = Map.groupBy(found, ({ worker }) => worker);
    const views: JobView[] = [];
    let shows = 0;
    const upto = (place: number, seen = -1): Looked => {
      const worker = all[place];
      return { jobs: views, scanned: scanned + shows, cursor: worker === undefined ? undefined : `${seen}:${worker}` };
    };
    for (const [i, worker] of some.entries()) {
      const on = shown.get(worker);
      let seen = i === 0 ? behind : -1;
      for (const { field, bytes } of held.get(worker) ?? []) {
        if (views.length >= budget.limit) return upto(i, seen);
        const queue = field.slice(field.indexOf(':') + 1);
        const place = writePlace({ kind: 'held', worker, field });
        const view = jobView(bytes, { state: 'running', queue, worker, place });
        views.push(on && on.payload === view.payload ? { ...view, at: on.at } : view);
        seen = Number.parseInt(field.replace('!', ''), 10);
      }
      if (end?.worker === i) return upto(i, end.last);
      // Workers of other programs hold nothing here, but show what they work on.
      if (!on || worker.startsWith('lambdesque-')) continue;
      if (views.length >= budget.limit) return upto(i, seen);
      shows++;
      if (!budget.texts.every((text) => on.payload.includes(text))) continue;
      const place = writePlace({ kind: 'held', worker, field: '' });
      views.push(jobView(Buffer.from(on.payload), { state: 'running', queue: on.queue, worker, at: on.at, place }));
    }
    return upto(some.length);
  }

  async function delayed(cursor: string, budget: Budget): Promise<Looked> {
    const timesOf = (behind: ScoredMember | undefined) => scheduled.delayedTimes(behind, LISTS_AT_ONCE);
    return inScored('delayed', timesOf, cursor, budget, (found, due) =>
      view(found, 'scheduled', { at: new Date(due * 1000) }),
    );
  }

  async function parked(cursor: string, budget: Budget): Promise<Looked> {
    const gatesOf = (behind: ScoredMember | undefined) => jobs.parkedGates(behind, LISTS_AT_ONCE);
    return inScored('parked', gatesOf, cursor, budget, parkedView);
  }

  /** In lists that a sorted set names, in its order. @param namesOf the next ones of them */
  async function inScored(
    kind: 'delayed' | 'parked',
    namesOf: (behind: ScoredMember | undefined) => Promise<ScoredMember[]>,
    cursor: string,
    budget: Budget,
    viewOf: (found: FoundElement, score: number) => JobView,
  ): Promise<Looked> {
    const [, score, between, name] = /^([^:]*):([^:]*):([\s\S]*)$/.exec(cursor) ?? [];
    if (name === undefined && cursor !== '') throw badCursor(cursor);
    const behind = name === undefined ? undefined : { name, score: Number(score) };
    const more = (await orNothing(namesOf(behind))) ?? [];
    const all = behind && between !== '' ? [behind, ...more] : more;
    if (all.length === 0) return { jobs: [], scanned: 0, cursor: undefined };
    const names = all.map((one): ListName => ({ kind, name: one.name }));
    const result = await search(names, between, budget);
    const scores = new Map(all.map((one) => [one.name, one.score]));
    const views = result.found.map((found) => viewOf(found, scores.get(found.list.name) ?? 0));
    const end = result.end && all[result.end.list];
    const last = all.at(-1);
    const next =
      end && result.end
        ? `${end.score}:${writeBetween(result.end)}:${end.name}`
        : last && `${last.score}::${last.name}`;
    return { jobs: views, scanned: result.scanned, cursor: next };
  }

  async function retries(cursor: string, budget: Budget): Promise<Looked> {
    const [, score, member] = /^([^:]*):([\s\S]*)$/.exec(cursor) ?? [];
    if (member === undefined && cursor !== '') throw badCursor(cursor);
    const behind = member === undefined ? undefined : { score: score ?? '', member };
    const { found, scanned, end } = await jobs.searchRetries(behind, budget);
    const views = found.map((one) => {
      const queue = one.member.slice(one.member.indexOf(':') + 1);
      const place = writePlace({ kind: 'retry', member: one.member });
      return jobView(one.bytes, { state: 'retry', queue, at: new Date(one.at), place });
    });
    return { jobs: views, scanned, cursor: end && `${end.score}:${end.member}` };
  }

  async function queued(cursor: string, budget: Budget): Promise<Looked> {
    const all = budget.queue === undefined ? await jobs.queueNames() : [budget.queue];
    return inLists('queue', all, cursor, budget, (found) => view(found, 'queued', {}));
  }

  async function failed(cursor: string, budget: Budget): Promise<Looked> {
    const all = (await lists.failedLists()).map(({ name }) => name).sort();
    return inLists('failed', all, cursor, budget, (found) => {
      const { entry } = openEntry(found);
      const { failedAt, worker, queue, exception, error } = entry;
      const place = writePlace({ kind: 'failed', entry: entry.place });
      const told = exception === '' && error === '' ? [] : [{ attempt: 0, error: `${exception}: ${error}` }];
      const errors = failedAt ? told.map((one) => ({ ...one, at: failedAt })) : told;
      return {
        ...jobView(Buffer.from(entry.payload), { state: 'failed', queue, at: failedAt, worker, place }),
        errors,
      };
    });
  }

  /** @param all names of the lists, sorted */
  async function inLists(
    kind: 'queue' | 'failed',
    all: readonly string[],
    cursor: string,
    budget: Budget,
    viewOf: (found: FoundElement) => JobView,
  ): Promise<Looked> {
    const [, between, first] = /^([^:]*):([\s\S]*)$/.exec(cursor) ?? [];
    if (first === undefined && cursor !== '') throw badCursor(cursor);
    const names = all.filter((name) => name >= (first ?? ''));
    const some = names.slice(0, LISTS_AT_ONCE).map((name): ListName => ({ kind, name }));
    if (some.length === 0) return { jobs: [], scanned: 0, cursor: undefined };
    const { found, scanned, end } = await search(some, some[0]?.name === first ? between : '', budget);
    const list = end ? some[end.list]?.name : names[some.length];
    const next = list === undefined ? undefined : `${end ? writeBetween(end) : ''}:${list}`;
    return { jobs: found.map(viewOf), scanned, cursor: next };
  }

  function search(names: readonly ListName[], between: string | undefined, budget: Budget): Promise<SearchResult> {
    // The newest failures first, and the jobs that come next.
    const towards = names[0]?.kind === 'failed' ? 'head' : 'tail';
    return lists.search(names, { ...budget, towards, from: between ? readBetween(between) : undefined });
  }

  return new Map<JobState, Look>([
    ['scheduled', delayed],
    ['retry', retries],
    ['parked', parked],
    ['queued', queued],
    ['running', running],
    ['failed', failed],
  ]);
}

function view({ list, position, bytes }: FoundElement, state: JobState, more: Partial<JobView>): JobView {
  const kind = list.kind === 'queue' ? 'queue' : 'delayed';
  const place = writePlace({ kind, name: list.name, element: { position, mark: markOf(bytes), of: 'whole' } });
  return jobView(bytes, { state, queue: list.kind === 'queue' ? list.name : undefined, place, ...more });
}

/** A job as it is parked: its queue stands before its payload. */
export function parkedView({ list, position, bytes }: FoundElement): JobView {
  const { queue, prefix } = readParked(bytes) ?? { queue: undefined, prefix: 0 };
  const element = { position, mark: markOf(bytes), of: 'whole' } as const;
  const place = writePlace({ kind: 'parked', name: list.name, element });
  return jobView(bytes.subarray(prefix), { state: 'parked', queue, place });
}

/** What a worker shows that it works on. */
function workingOnOf(record: string): { payload: string; queue: string | undefined; at: Date | undefined } | undefined {
  try {
    const { queue, run_at: at } = JSON.parse(record) as { queue?: unknown; run_at?: unknown };
    const span = membersOf(record).get('payload');
    if (!span) return undefined;
    const payload = record.slice(span.start, span.end);
    return { payload, queue: typeof queue === 'string' ? queue : undefined, at: readDate(at) };
  } catch {
    return undefined;
  }
}
