import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Bed, payloadOf } from '../helpers/chaos-bed.ts';
import { until } from '../helpers/chaos-wait.ts';
import { PATIENCE } from '../helpers/eventually.ts';
import { outputLines } from '../helpers/supervisor.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let bed: Bed;
beforeAll(async () => {
  // Nobody but the workers themselves touches the queues.
  bed = await Bed.open({ scheduler: false });
});
afterAll(() => bed.close());

type Work = readonly ['noop'] | readonly ['spin', ms: number];
const times = (count: number, work: Work): Work[] => Array.from({ length: count }, () => work);

interface Case {
  readonly what: string;
  readonly works: readonly Work[];
  readonly workers?: number;
  readonly concurrency?: number;
  /** Jobs go to them in turn. @default 1 */
  readonly queues?: number;
}

const CASES: readonly Case[] = [
  { what: '20 jobs of 10 ms', works: times(20, ['spin', 10]) },
  { what: '20 jobs of 10 ms one after the other', works: times(20, ['spin', 10]), concurrency: 1 },
  { what: '5 jobs of 300 ms', works: times(5, ['spin', 300]) },
  { what: 'a first job that blocks for 400 ms', works: [['spin', 400], ...times(19, ['spin', 10])] },
  {
    what: 'a first job that blocks for 400 ms, before jobs of no time',
    works: [['spin', 400], ...times(200, ['noop'])],
  },
  { what: 'a last job that blocks for 400 ms', works: [...times(200, ['noop']), ['spin', 400]] },
  { what: 'jobs of 300 ms in three queues', works: times(6, ['spin', 300]), queues: 3 },
  { what: '40 jobs of 10 ms for two workers', works: times(40, ['spin', 10]), workers: 2 },
  { what: '10 jobs of 300 ms for two workers', works: times(10, ['spin', 300]), workers: 2 },
];

test.each(CASES)('CPU-bound: $what: all run before --exit-on-complete ends', async (one) => {
  const { works, workers = 1, concurrency = 25, queues = 1 } = one;
  const scene = bed.scene('cpu');
  const names = Array.from({ length: queues }, (_, i) => scene.queue(`q${i + 1}`));
  const ids = works.map((_, i) => `j${i + 1}`);
  for (const [q, name] of names.entries()) {
    const own = works.flatMap((work, i) => (i % queues === q ? [payloadOf('Succeed', ids[i] ?? '', ...work)] : []));
    await scene.push(own, name);
  }
  const flags = ['--queues', names.join(), '--concurrency', String(concurrency), '--exit-on-complete'];
  for (let i = 0; i < workers; i++) scene.work(flags, { restartAfter: 'never' });
  await until(() => scene.lives.every(({ how }) => how !== undefined), { patience: PATIENCE });

  expect(scene.lives.map(({ how }) => how)).toEqual(scene.workers.map(() => 'code-0'));
  expect(await scene.waiting(...names), 'jobs left').toBe(0);
  const { runs } = scene.log.read();
  expect(runs.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect(runs.every(({ end }) => end?.well)).toBe(true);
  for (const life of scene.lives) {
    const summary = outputLines(life).findLast(({ msg }) => msg === 'summary');
    expect(summary).toMatchObject({ stopped: 'empty', lost: 0 });
  }
  expect(await scene.traces()).toEqual([]);
});
