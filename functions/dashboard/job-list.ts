import type { Fields } from './fields.ts';
import type { Inspector, JobQuery, JobState, JobView } from './inspector.ts';
import { paths, to } from './paths.ts';

/** Jobs of one page of a list. */
export const PAGE = 50;

export const STATES: readonly JobState[] = ['queued', 'running', 'scheduled', 'retry', 'parked', 'failed', 'done'];

/** Which part of which list, as it stands in links and forms: so that one job of it can be found again. */
export interface ListPart {
  readonly id?: string | undefined;
  readonly class?: string | undefined;
  readonly queue?: string | undefined;
  readonly text?: string | undefined;
  readonly state?: JobState | undefined;
  readonly cursor?: string | undefined;
}

export function listPartOf(fields: Fields): ListPart {
  const state = STATES.find((one) => one === fields.text('state'));
  const text = (name: string) => fields.text(name);
  return {
    id: text('id'),
    class: text('class'),
    queue: text('queue'),
    text: text('text'),
    state,
    cursor: text('cursor'),
  };
}

export function queryOf({ state, ...rest }: ListPart): JobQuery {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...(state === undefined ? {} : { states: [state] }), limit: PAGE };
}

/** The page of a job: where it was found, and its id, in case that it has moved on. */
export function jobPath(job: JobView, part: ListPart, path: string = paths.job): string {
  return to(path, { ...part, id: job.id, place: job.place });
}

/** A job that was looked for. */
export interface Sought {
  readonly job: JobView | undefined;
  /** How many were looked at, and where to go on where that was not all. */
  readonly scanned: number;
  readonly cursor: string | undefined;
}

/** How long one request looks for an id through everything that there is, ms; the next one goes on. */
const LOOK_MS = 100;

/**
 * The job that a link means: at its place, or near it by its id; else, by its id, anywhere. There may be millions, and Redis knows no
 * index of ids, so that a request looks at a part of them only.
 */
export async function seek(inspector: Inspector, fields: Fields): Promise<Sought> {
  const part = listPartOf(fields);
  const place = fields.text('place');
  if (place !== undefined) {
    const { items } = await inspector.jobs.find(queryOf(part));
    const job = items.find((one) => one.place === place) ?? (part.id === undefined ? undefined : items[0]);
    if (job || part.id === undefined) return { job, scanned: 0, cursor: undefined };
  }
  if (part.id === undefined) return { job: undefined, scanned: 0, cursor: undefined };
  let cursor = fields.text('from') ?? '';
  let scanned = fields.number('scanned', 0, [0, Number.MAX_SAFE_INTEGER]);
  const end = performance.now() + LOOK_MS;
  do {
    const found = await inspector.jobs.find({ id: part.id, limit: 1, cursor });
    scanned += found.scanned;
    if (found.items[0] || found.cursor === undefined) return { job: found.items[0], scanned, cursor: undefined };
    cursor = found.cursor;
  } while (performance.now() < end);
  return { job: undefined, scanned, cursor };
}
