/** A serial queue whose workers are killed: the order of first executions, and one at a time. */
import { type Bed, payloadOf, type Scene } from '../helpers/chaos-bed.ts';
import type { Run } from '../helpers/chaos-log.ts';
import type { Random } from '../helpers/chaos-random.ts';
import { runUnderKills } from './kills.ts';

export interface SerialCase {
  readonly jobs: number;
  /** What each does. */
  readonly work: readonly ['noop'] | readonly ['wait' | 'spin', number];
  readonly kills: number;
  /** 2 is somebody's mistake. */
  readonly workers: number;
  readonly concurrency: number;
}

export const allSerialCases: readonly SerialCase[] = [
  ...[1, 25].flatMap((concurrency) =>
    [1, 2].flatMap((workers): SerialCase[] => [
      { jobs: 1_500, work: ['wait', 10], kills: 8, workers, concurrency },
      { jobs: 1_500, work: ['spin', 3], kills: 8, workers, concurrency },
      { jobs: 100_000, work: ['noop'], kills: 4, workers, concurrency },
    ]),
  ),
];

export const nameOf = ({ jobs, work, kills, workers, concurrency }: SerialCase): string =>
  `${jobs} jobs (${work.join(' ')}), ${kills} kills, ${workers} worker${workers === 1 ? '' : 's'}, concurrency ${concurrency}`;

/** @returns what was promised and did not happen; empty if all did */
export async function runSerial(bed: Bed, one: SerialCase, random: Random, patience?: number): Promise<string[]> {
  const scene = bed.scene('serial');
  const queue = scene.queue('ledger');
  const ids = Array.from({ length: one.jobs }, (_, i) => `j${i + 1}`);
  const wrong = await runUnderKills(scene, {
    queue,
    payloads: ids.map((id) => payloadOf('Succeed', id, ...one.work)),
    workers: one.workers,
    kills: one.kills,
    flags: ['--serial', queue, '--concurrency', String(one.concurrency)],
    random,
    ...(patience === undefined ? {} : { patience }),
  });
  const failed = await scene.failed();
  if (failed.length > 0) wrong.push(`${failed.length} jobs are in failed, such as ${failed[0]?.text}`);
  wrong.push(...inOrder(scene.log.read().runs, ids), ...oneAtATime(scene), ...(await scene.end()));
  wrong.push(...(await heldSerials(scene, queue)));
  return wrong;
}

/** The first execution of each job follows that of the job in front of it. */
export function inOrder(runs: readonly Run[], ids: readonly string[]): string[] {
  const first = [...new Set(runs.map((run) => run.id))];
  const at = ids.findIndex((id, i) => first[i] !== id);
  if (at < 0) return [];
  if (first.length < ids.length && ids.slice(0, first.length).every((id, i) => first[i] === id)) {
    return [`${ids.length - first.length} jobs never started`];
  }
  const place = new Map(ids.map((id, i) => [id, i]));
  let highest = -1;
  let late = 0;
  for (const id of first) {
    const here = place.get(id) ?? -1;
    if (here < highest) late++;
    highest = Math.max(highest, here);
  }
  return [`${late} first executions came late; the first: ${ids[at]} was due, ${first[at]} ran`];
}

/** No job starts between the start and the end of another; a run whose process died ends with that. */
export function oneAtATime({ log }: Pick<Scene, 'log'>): string[] {
  const { runs, deaths } = log.read();
  const died = new Map(deaths.map((death) => [death.pid, death.line]));
  const overlaps: string[] = [];
  let count = 0;
  let open: Run | undefined;
  for (const run of runs) {
    const end = open && (open.end?.line ?? died.get(open.pid) ?? Infinity);
    if (open && end !== undefined && run.line < end) {
      count++;
      if (overlaps.length < 3) {
        overlaps.push(`${run.id} (process ${run.pid}) started while ${open.id} (process ${open.pid}) ran`);
      }
    }
    open = run;
  }
  return count === 0 ? [] : [`${count} starts beside a running job: ${overlaps.join('; ')}`];
}

/** Nobody holds the queue any more. */
async function heldSerials(scene: Scene, queue: string): Promise<string[]> {
  const holder = await scene.redis.hget('resque:serial', queue);
  return holder ? [`${queue} is still held by ${holder}`] : [];
}
