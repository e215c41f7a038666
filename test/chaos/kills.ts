/** Many jobs of one queue, run by workers that are killed now and then. */
import type { Scene } from '../helpers/chaos-bed.ts';
import type { Random } from '../helpers/chaos-random.ts';
import { until } from '../helpers/chaos-wait.ts';
import type { Supervisor } from '../helpers/supervisor.ts';

export interface KillOptions {
  readonly queue: string;
  /** In the order in which they are pushed; their ids are what `check` gets to see. */
  readonly payloads: readonly string[];
  readonly workers: number;
  /** How often the worker that started a job last is killed with SIGKILL. */
  readonly kills: number;
  /** Of `lambdesque work`, beside --queues. */
  readonly flags: readonly string[];
  readonly random: Random;
  /** How long the whole may stand still, ms. @default 90000 */
  readonly patience?: number;
}

/** Pushes the jobs, kills workers while they run, and waits until no job is left. @returns what went wrong on the way */
export async function runUnderKills(scene: Scene, options: KillOptions): Promise<string[]> {
  const { queue, payloads, workers, kills, flags, random, patience = 90_000 } = options;
  await scene.push(payloads, queue);
  for (let i = 0; i < workers; i++) scene.work(['--queues', queue, ...flags]);

  const refusal = () => scene.workers.flatMap((worker) => worker.refusal ?? [])[0];
  const ids = () => new Set(scene.log.read().runs.map((run) => run.id)).size;
  const share = payloads.length / (kills + 1);
  for (let kill = 1; kill <= kills; kill++) {
    // Anywhere in the middle of its share of the jobs.
    const target = Math.floor((kill - random.next() * 0.8) * share);
    const reached = await until(() => ids() >= target || refusal(), { patience, progress: () => scene.log.starts });
    if (typeof reached === 'string') return [`a worker refused its flags: ${reached}`];
    if (!reached) {
      return [`stood still for ${patience / 1000} s: ${ids()} of ${payloads.length} jobs have started`];
    }
    await atWork(scene)?.kill();
  }
  const drained = await until(async () => (await scene.waiting(queue)) === 0, {
    patience,
    progress: () => scene.log.starts,
  });
  return drained
    ? []
    : [`${await scene.waiting(queue)} of ${payloads.length} jobs are left, and none started for ${patience / 1000} s`];
}

/** The worker that started a job last. */
function atWork(scene: Scene): Supervisor | undefined {
  const alive = scene.workers.filter((worker) => worker.life !== undefined);
  const last = scene.log.read().runs.findLast((run) => alive.some((worker) => worker.life?.pid === run.pid));
  return alive.find((worker) => worker.life?.pid === last?.pid) ?? alive[0];
}
