import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  chain,
  createClient,
  createWorker,
  defineFlowJob,
  defineJob,
  group,
  startFlow,
  step,
} from '../../../shared/index.ts';
import { silentLogger } from '../../../shared/internal.ts';
import { cronPayload } from '../../../shared/scheduler/cron/cron-payload.ts';
import { runJob } from '../../../shared/testing/index.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';

/** Flows that jobs start: those of cron entries above all. */

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const See = defineJob({ class: 'See', queue: 'steps', perform: (args) => args.at(-1) });
let fails = 0;
const Nightly = defineFlowJob({
  class: 'Nightly',
  queue: 'starts',
  retry: { attempts: 3, backoff: 0 },
  flow: ([night = 'today']) => chain(step(See, [night]), group(step(See, ['x']), step(See, ['y']))),
  flowOptions: { onSuccess: step(See, []) },
  middleware: [
    async (_ctx, next) => {
      await next();
      if (fails-- > 0) throw new Error('after it was started');
    },
  ],
});
const jobs = [See, Nightly];
const run = async (queues: string, log = silentLogger) => {
  await createWorker({ url: redis.url, jobs, queues, exitOnComplete: true, log }).run();
};
/** As the scheduler writes it. */
const cron = (slot: string, overlap: 'allow' | 'skip' = 'skip') =>
  cronPayload({ name: 'every night', class: 'Nightly', args: [], overlap }, Date.parse(slot), Date.parse(slot)).payload;

test('a job of cron starts a flow once for each slot, however often it runs', async () => {
  await using client = createClient({ url: redis.url, jobs });
  fails = 1;
  const payload = cron('2026-11-20T03:00:00.000Z', 'allow');
  // Twice: as after a death of its worker.
  await redis.client.rpush('resque:queue:starts', payload, payload);
  await run('starts');
  await createWorker({
    url: redis.url,
    jobs,
    queues: 'starts',
    scheduler: true,
    exitOnComplete: true,
    log: silentLogger,
  }).run();
  await run('steps');
  const { items } = await client.flows.list();
  expect(items).toMatchObject([{ name: 'Nightly', state: 'succeeded', progress: { steps: 3, succeeded: 3 } }]);
  expect(items[0]?.id).toMatch(/^cron_every_night_2026_11_20T03_00_00_000Z-[0-9a-f]{32}$/);
  await redis.client.flushall();
});

test('where the entry skips overlaps, none is started before the one before has ended: and that is the flow, not its job', async () => {
  await using client = createClient({ url: redis.url, jobs });
  const log = recordingLogger();
  const states = async () => (await client.flows.list()).items.map(({ state }) => state);
  await redis.client.rpush('resque:queue:starts', cron('2026-11-20T03:00:00.000Z'));
  await run('starts', log);
  await redis.client.rpush('resque:queue:starts', cron('2026-11-21T03:00:00.000Z'));
  await run('starts', log);
  expect(await states()).toEqual(['running']);
  expect(log.lines).toContainEqual(
    expect.objectContaining({ message: 'No flow was started: the one before it still runs' }),
  );
  await run('steps');
  await redis.client.rpush('resque:queue:starts', cron('2026-11-22T03:00:00.000Z'));
  await run('starts');
  expect(await states()).toEqual(['running', 'succeeded']);
  // One that has stopped, or was cancelled, stands in no way.
  const [{ id } = { id: '' }] = (await client.flows.list()).items;
  await client.flows.cancel(id);
  await run('steps');
  await redis.client.rpush('resque:queue:starts', cron('2026-11-23T03:00:00.000Z'));
  await run('starts,steps');
  expect(await states()).toEqual(['succeeded', 'cancelled', 'succeeded']);
  // A client's own are skipped in the same way, and by name.
  const flow = (name: string) => client.flow(step(See, [1]), { name, overlap: 'skip' }).enqueue();
  const first = await flow('own');
  expect(await flow('own')).toMatchObject({ duplicate: false, overlaps: first.id });
  expect(await flow('other')).toMatchObject({ duplicate: false, overlaps: undefined });
  const raced = await Promise.all(Array.from({ length: 8 }, () => flow('raced')));
  expect(raced.filter(({ overlaps }) => overlaps === undefined)).toHaveLength(1);
  await redis.client.flushall();
});

test('an id that was used before changes nothing of the flow that has it', async () => {
  await using client = createClient({ url: redis.url, jobs });
  const start = (...names: string[]) =>
    client.flow(group(names.map((name) => step(See, [name]))), { id: 'same' }).enqueue();
  await start('a', 'b');
  const before = await redis.client.hgetall('resque:flow:same:nodes');
  expect(await start('c')).toEqual({ id: 'same', duplicate: true, overlaps: undefined });
  expect(await redis.client.hgetall('resque:flow:same:nodes')).toEqual(before);
  expect(await redis.client.pttl('resque:flow:same:nodes')).toBe(-1);
});

test('in a test of the user’s own the job runs without Redis, and what it starts is told', async () => {
  const run = await runJob(Nightly, ['tonight'], { id: 'job-1' });
  expect(run).toMatchObject({
    outcome: 'succeeded',
    flows: [{ id: 'job-1', name: 'Nightly', queues: ['steps'], steps: 3 }],
  });
  const wrong = await runJob(defineFlowJob({ class: 'Wrong', flow: () => 'no flow' as never }), []);
  expect(String(wrong.error)).toMatch(/flow: must be what step, chain, group or chord returns/);
  expect(() => defineFlowJob({ class: 'None' } as never)).toThrow(/defineFlowJob "?None"?: flow must be a function/);
  await expect(startFlow({} as never, step(See, []))).rejects.toThrow('takes the context of a job');
});
