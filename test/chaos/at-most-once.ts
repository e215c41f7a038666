/** Jobs that are delivered at most once, whose workers are killed: none starts twice. */
import { type Bed, payloadOf } from '../helpers/chaos-bed.ts';
import type { Random } from '../helpers/chaos-random.ts';
import { runUnderKills } from './kills.ts';

export interface AtMostOnceCase {
  readonly jobs: number;
  readonly work: readonly ['noop'] | readonly ['wait' | 'spin', number];
  readonly kills: number;
  readonly workers: number;
  readonly concurrency: number;
}

export const allOnceCases: readonly AtMostOnceCase[] = [
  { jobs: 50_000, work: ['wait', 5], kills: 30, workers: 2, concurrency: 25 },
  { jobs: 50_000, work: ['noop'], kills: 15, workers: 2, concurrency: 25 },
  { jobs: 4_000, work: ['wait', 5], kills: 10, workers: 1, concurrency: 1 },
  { jobs: 4_000, work: ['spin', 3], kills: 10, workers: 3, concurrency: 5 },
];

export const nameOf = ({ jobs, work, kills, workers, concurrency }: AtMostOnceCase): string =>
  `${jobs} jobs (${work.join(' ')}), ${kills} kills, ${workers} workers, concurrency ${concurrency}`;

export interface AtMostOnceResult {
  /** What was promised and did not happen; empty if all did. */
  readonly wrong: string[];
  /** Workers, while jobs ran. */
  readonly killed: number;
  readonly started: number;
  /** In `failed`: their worker died, and they had started. */
  readonly failed: number;
  /** In `failed`: Redis was told that they start, and their worker died before they did. */
  readonly failedUnstarted: number;
}

/** How many of many are named in a message. */
const SHOWN = 3;

export async function runAtMostOnce(
  bed: Bed,
  one: AtMostOnceCase,
  random: Random,
  patience?: number,
): Promise<AtMostOnceResult> {
  const scene = bed.scene('once');
  const ids = Array.from({ length: one.jobs }, (_, i) => `j${i + 1}`);
  const wrong = await runUnderKills(scene, {
    queue: scene.queue(),
    payloads: ids.map((id) => payloadOf('Once', id, ...one.work)),
    workers: one.workers,
    kills: one.kills,
    flags: ['--concurrency', String(one.concurrency)],
    random,
    ...(patience === undefined ? {} : { patience }),
  });
  wrong.push(...(await scene.end()));

  const runs = scene.log.byJob();
  const entries = Map.groupBy(await scene.failed(), ({ id }) => id ?? '');
  const tell = (what: string, found: readonly string[]) => {
    if (found.length > 0) wrong.push(`${found.length} ${what}, such as ${found.slice(0, SHOWN).join(', ')}`);
  };
  const runsOf = (id: string) => runs.get(id) ?? [];
  const isFailed = (id: string) => entries.has(id);
  const died = new Set(scene.lives.filter(({ how }) => how === 'SIGKILL').map(({ pid }) => pid));
  /** Redis was told that a worker that was killed may have started it. */
  const wasMarked = (id: string) => scene.held.holders(id).some((pid) => died.has(pid) && scene.held.isMarked(pid, id));
  const unstarted = ids.filter((id) => isFailed(id) && runsOf(id).length === 0);

  tell(
    'started twice or more',
    ids.filter((id) => runsOf(id).length > 1),
  );
  tell(
    'are twice in failed',
    ids.filter((id) => (entries.get(id)?.length ?? 0) > 1),
  );
  tell(
    'never started and are in failed, and no worker that died had marked them as started',
    unstarted.filter((id) => !wasMarked(id)),
  );
  tell(
    'never started and are not in failed: lost',
    ids.filter((id) => runsOf(id).length === 0 && !isFailed(id)),
  );
  tell(
    'started, did not end, and are not in failed: nobody hears of them',
    ids.filter((id) => runsOf(id).length > 0 && !isFailed(id) && runsOf(id).every((run) => !run.end)),
  );
  tell(
    'are in failed although the worker that ran them lived on',
    ids.filter((id) => isFailed(id) && runsOf(id).length > 0 && !runsOf(id).some(({ pid }) => died.has(pid))),
  );
  return {
    wrong,
    killed: died.size,
    started: runs.size,
    failed: ids.filter((id) => isFailed(id) && runsOf(id).length > 0).length,
    failedUnstarted: unstarted.length,
  };
}
