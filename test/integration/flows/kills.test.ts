import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redisBroker } from '../../../shared/broker/redis/broker.ts';
import type { RedisClient } from '../../../shared/broker/redis/client.ts';
import { redisFlowBroker } from '../../../shared/broker/redis/flows.ts';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { flowMaker } from '../../../shared/client/flow.ts';
import { systemClock } from '../../../shared/clock.ts';
import { chain, chord, defineBatchJob, defineJob, group, step } from '../../../shared/index.ts';
import { createFlows } from '../../../shared/inspect/flows.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { silentLogger } from '../../../shared/log.ts';
import { tick } from '../../../shared/scheduler/tick.ts';
import { redisTime } from '../../helpers/brokers.ts';
import { dyingClient, type Fault } from '../../helpers/dying-client.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { drain } from '../../helpers/workers.ts';

/** A flow with every kind of step, killed before and after each of its calls to Redis, one kill a run. */

let redis: TestRedis;
let client: RedisClient;
beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
  client = tcpClient({ url: redis.url, commandTimeout: 5_000 });
});
afterAll(async () => {
  await client.close();
  await redis.stop();
});

const ran = new Map<string, number>();
const See = defineJob({
  class: 'See',
  queue: 'a',
  perform([name, input]) {
    ran.set(String(name), (ran.get(String(name)) ?? 0) + 1);
    return name === 'm' ? 1 : `${name}(${JSON.stringify(input ?? null)})`;
  },
});
const Grow = defineJob({
  class: 'Grow',
  queue: 'b',
  perform([name], ctx) {
    ran.set(String(name), (ran.get(String(name)) ?? 0) + 1);
    ctx.flow?.add(step(See, ['grown']));
    return name;
  },
});
const told = (name: unknown) => {
  ran.set(String(name), (ran.get(String(name)) ?? 0) + 1);
  return name;
};
/** What holds jobs back, and what runs together, as steps of flows. */
const Limited = defineJob({ class: 'Limited', queue: 'a', limit: { running: 1 }, perform: ([name]) => told(name) });
const Alone = defineJob({
  class: 'Alone',
  queue: 'b',
  unique: { while: 'running', by: () => 'one', onConflict: 'later' },
  perform: ([name]) => told(name),
});
const Row = defineBatchJob({
  class: 'Row',
  queue: 'b',
  batch: { size: 2, wait: 0 },
  performAll(rows) {
    for (const row of rows) row.result = told(row.args[0]);
  },
});
/** Its first attempt fails. */
const Flaky = defineJob({
  class: 'Flaky',
  queue: 'a',
  retry: { attempts: 2, backoff: 0 },
  perform([name], ctx) {
    if (ctx.job.attempt === 1) throw new Error('once');
    return told(name);
  },
});
const Sum = defineJob({
  class: 'Sum',
  queue: 'a',
  perform: ([list]) => {
    told('sum');
    return (list as number[]).reduce((sum, n) => sum + n, 0);
  },
});
const jobs = [See, Grow, Limited, Alone, Row, Flaky, Sum];
const node = () =>
  chain(
    step(See, ['first']),
    chord(
      group([step(See, ['x']), chain(step(See, ['y']), step(See, ['z'])), step(Grow, ['g'], { immutable: true })], {
        running: 2,
      }),
      step(See, ['joined']),
    ),
    group(
      step(Limited, ['l']),
      step(Limited, ['m']),
      group(step(Alone, ['u']), step(Alone, ['v'])),
      step(Row, ['s']),
      step(Row, ['t']),
      step(Flaky, ['f']),
    ),
  );
/** A second one, of the same classes, beside it. */
const other = () => chain(group(step(Limited, ['o1']), step(Alone, ['o2']), step(Row, ['o3'])), step(See, ['o4']));
const NAMES = [
  'first',
  'x',
  'y',
  'z',
  'g',
  'grown',
  'joined',
  'l',
  'm',
  'u',
  'v',
  's',
  't',
  'f',
  'success',
  'o1',
  'o2',
  'o3',
  'o4',
];

/** When each has died; never, for those that do not. */
const deaths = new WeakMap<RedisClient, Promise<void>>();

const dying = (at: number, how: Fault) => {
  const mortal = dyingClient(client, redis, at, how);
  deaths.set(mortal.client, mortal.death);
  return mortal;
};

/** One at a time; one that is dead is waited for no longer. */
async function work(redisClient: RedisClient): Promise<void> {
  const store = redisBroker(redisClient, 'resque:', redisTime.now);
  const drained = drain({ store, jobs, options: { concurrency: 1, lease: 60_000 } });
  await Promise.race([drained, deaths.get(redisClient) ?? drained]);
}

const flowOn = (on: RedisClient) =>
  flowMaker({
    store: redisFlowBroker(on, 'resque:', redisTime.now),
    registry: createRegistry(jobs),
    now: async () => Number(redisTime.now()),
  });

const started = async (on: RedisClient) => {
  const flow = flowOn(on);
  const callbacks = { onSuccess: step(See, ['success']), onFailure: step(See, ['failure']) };
  await flow(node(), { id: 'killed', running: 3, ...callbacks }).enqueue();
  await flow(other(), { id: 'other' }).enqueue();
};

const flows = () => createFlows(redisFlowBroker(client, 'resque:', redisTime.now));

/** Members of a group whose list is made by three scripts. */
const MANY = 20_001;
const LARGE = ['flow:killed', 'flow:killed:nodes', 'flow:killed:states', 'flows', 'queues', 'queue:a'].map(
  (name) => `resque:${name}`,
);
/** A flow with that group, of which all members but the first have ended. */
async function largeStarted(): Promise<void> {
  const { client: db } = redis;
  if ((await db.exists('kept0')) === 0) {
    const members = Array.from({ length: MANY }, () => step('See', ['m'], { queue: 'a' }));
    await flowOn(client)(chain(group(members, { running: 1 }), step(Sum, [])), { id: 'killed' }).enqueue();
    const ended = Array.from({ length: MANY - 1 }, (_, i) => [`r:0.0:${i + 1}`, '1']).flat();
    await db.hset('resque:flow:killed:states', '0.0', `${MANY} ${MANY - 1} 0`, ...ended);
    await db.hset('resque:flow:killed', 'succeeded', MANY - 1);
    await Promise.all(LARGE.map((key, i) => db.copy(key, `kept${i}`, 'REPLACE')));
  }
  await Promise.all(LARGE.map((key, i) => db.copy(`kept${i}`, key, 'REPLACE')));
}

/** The flow from its beginning to its end, with one fault on the way of whoever `who` is. @returns calls that there were */
async function run(
  who: 'client' | 'worker' | 'scheduler',
  at: number,
  how: Fault,
  start: (on: RedisClient) => Promise<void> = started,
): Promise<number> {
  for (const key of await redis.client.keys('resque:*')) await redis.client.del(key);
  ran.clear();
  const mortal = dying(at, how);
  if (who === 'client') await start(mortal.client).catch(() => {});
  // Again, as its program does when it has not heard that it worked.
  if (who !== 'client' || mortal.died()) await start(client);
  const ticking = who === 'scheduler' ? mortal.client : client;
  const ticks = async (on: RedisClient) => {
    const store = redisBroker(on, 'resque:', redisTime.now);
    await tick({ store, registry: createRegistry(jobs), clock: systemClock, log: silentLogger }).catch(() => {});
  };
  if (who === 'scheduler') {
    // Something for it to do: a worker that died in the middle.
    const first = dying(4, 'before');
    await work(first.client);
  } else {
    await work(who === 'worker' ? mortal.client : client);
  }
  redisTime.move(61_000);
  await ticks(ticking);
  // What was given back has the attempts that it had, and one that fails waits for the next tick.
  for (let round = 0; round < 4; round++) {
    const states = (await flows().list()).items.map(({ state, progress }) => `${state} ${progress.started}`);
    if (states.every((one) => one === 'succeeded 0')) break;
    redisTime.move(61_000);
    await ticks(client);
    await work(client);
  }
  return mortal.calls();
}

async function expectWhole(note: string, deadWorkers: number): Promise<void> {
  const view = await flows().get('killed');
  expect({ ...view, note }).toMatchObject({
    error: undefined,
    state: 'succeeded',
    progress: { steps: 14, succeeded: 14, failed: 0, started: 0 },
    tree: {
      nodes: [
        {},
        {},
        { nodes: [{ result: 'l' }, { result: 'm' }, {}, { result: 's' }, { result: 't' }, { result: 'f' }] },
      ],
    },
  });
  expect(await flows().get('other'), note).toMatchObject({
    state: 'succeeded',
    tree: { nodes: [{}, { result: 'o4(["o1","o2","o3"])' }] },
  });
  expect([...ran.keys()].sort(), note).toEqual([...NAMES].sort());
  // What a dead worker had run and not settled runs again.
  expect(Math.max(...ran.values()), note).toBeLessThanOrEqual(1 + deadWorkers);
  expect(await redis.client.llen('resque:failed'), note).toBe(0);
}

describe('a flow is whole, each step and each callback run, none twice beyond what a job is', () => {
  test.each(['client', 'worker', 'scheduler'] as const)('whatever call to Redis its %s dies with', async (who) => {
    const calls = await run(who, Infinity, 'before');
    await expectWhole('undisturbed', who === 'scheduler' ? 1 : 0);
    expect(calls).toBeGreaterThanOrEqual(2);
    for (let at = 1; at <= calls; at++) {
      for (const how of ['before', 'after'] as const) {
        await run(who, at, how);
        await expectWhole(`${who}, call ${at}, ${how}`, 1);
      }
    }
  });

  test.each(['worker', 'scheduler'] as const)('whatever call its %s dies with that makes a large list', async (who) => {
    const calls = await run(who, Infinity, 'before', largeStarted);
    expect(calls).toBeGreaterThanOrEqual(5);
    for (let at = 1; at <= calls; at++) {
      for (const how of ['before', 'after'] as const) {
        await run(who, at, how, largeStarted);
        const note = `${who}, call ${at}, ${how}`;
        expect({ ...(await flows().get('killed', { at: '0.1' })), note }).toMatchObject({
          state: 'succeeded',
          progress: { steps: MANY + 1, succeeded: MANY + 1, started: 0 },
          tree: { result: MANY },
        });
        expect([ran.size, Math.max(...ran.values()) <= 2], note).toEqual([2, true]);
        expect(await redis.client.exists('resque:flows:lost'), note).toBe(0);
      }
    }
  });

  test('whenever Redis is killed and comes back', async () => {
    const calls = await run('worker', Infinity, 'restart');
    for (let at = 1; at <= calls; at += 2) {
      await run('worker', at, 'restart');
      await expectWhole(`Redis, call ${at}`, 0);
    }
  });
});
