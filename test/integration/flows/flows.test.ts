import { afterEach, describe, expect, test } from 'vitest';
import { redisQueuesBroker } from '../../../shared/broker/redis/queues.ts';
import {
  chain,
  chord,
  Discard,
  defineJob,
  type FlowNode,
  type FlowOptions,
  type FlowState,
  group,
  step,
} from '../../../shared/index.ts';
import { type Brokers, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { flowsOn, statesOf, type TestFlows } from '../../helpers/flows.ts';
import { range } from '../../helpers/queue-state.ts';
import { drain, Gate, mortal, startWorker } from '../../helpers/workers.ts';

const numbers = (args: readonly unknown[]) => (Array.isArray(args[0]) ? args[0] : args).map(Number);
const Add = defineJob({ class: 'Add', queue: 'a', perform: (args) => numbers(args).reduce((sum, n) => sum + n, 0) });
const Multiply = defineJob({
  class: 'Multiply',
  queue: 'b',
  perform: (args) => numbers(args).reduce((product, n) => product * n, 1),
});
/** What the handlers below have seen, in order. */
const seen: unknown[][] = [];
/** Gives back its last argument. */
const See = defineJob({
  class: 'See',
  queue: 'a',
  perform(args) {
    seen.push([...args]);
    return args.at(-1);
  },
});
let broken = true;
/** Fails while it is broken. */
const Fragile = defineJob({
  class: 'Fragile',
  queue: 'a',
  retry: { attempts: 1 },
  perform([name]) {
    seen.push([name, broken]);
    if (broken) throw new Error(`${name} is broken`);
    return `${name} is whole`;
  },
});
const Unwanted = defineJob({
  class: 'Unwanted',
  queue: 'a',
  perform: () => {
    throw new Discard('not needed');
  },
});
const Odd = defineJob({
  class: 'Odd',
  queue: 'a',
  perform: ([how]) => (how === 'large' ? 'x'.repeat(300_000) : how === 'big' ? 12345678901234567890n : () => how),
});
const jobs = [Add, Multiply, See, Fragile, Unwanted, Odd];

afterEach(() => {
  seen.length = 0;
  broken = true;
});

withBrokers((stores: Brokers) => {
  const { keys } = stores;
  const started = async (node: FlowNode, options?: FlowOptions): Promise<TestFlows & { readonly id: string }> => {
    const made = flowsOn(stores, jobs);
    const { id } = await made.flow(node, options).enqueue();
    return { ...made, id };
  };
  const ran = async (node: FlowNode, options?: FlowOptions) => {
    const one = await started(node, options);
    await drain({ store: stores.store, jobs });
    return { ...one, view: await one.flows.get(one.id) };
  };

  describe('a flow', () => {
    test('multiply(add(1, 1), add(5, 5)) is 20', async () => {
      const sums = group(step(Add, [1, 1]), step(Add, [5, 5]));
      const { view } = await ran(chord(sums, step(Multiply, [])), { onSuccess: step(See, ['done']) });
      expect(view).toMatchObject({ state: 'succeeded', progress: { steps: 3, succeeded: 3, failed: 0, started: 0 } });
      expect(view?.tree.nodes[1]?.result).toBe(20);
      expect(seen).toEqual([['done', 20]]);
      const paths = ['0', '0.0', '0.0:0', '0.0:1', '0.1'];
      expect(statesOf(view?.tree)).toEqual(Object.fromEntries(paths.map((path) => [path, 'succeeded'])));
      expect(view?.onSuccess?.state).toBe('succeeded');
    });

    test('gives each step what came before it, through all levels; lists in order; nothing where it is immutable', async () => {
      await ran(
        chain(
          step(See, ['first']),
          group(step(See, ['x']), chain(step(See, ['y']), step(See, ['z'])), step(See, ['own'], { immutable: true })),
          group(step(See, ['p']), group()),
          step(See, ['last']),
        ),
      );
      expect(new Set(seen.slice(0, 5).map((args) => JSON.stringify(args)))).toEqual(
        new Set(['["first"]', '["x","first"]', '["y","first"]', '["own"]', '["z","first"]']),
      );
      const list = ['first', 'first', 'own'];
      expect(seen.slice(5)).toEqual([
        ['p', list],
        ['last', [list, []]],
      ]);
    });

    test('passes results as their JSON: integers of any size, text of any kind, nothing as null', async () => {
      const { view } = await ran(
        chain(step(Odd, ['big']), step(See, []), step(See, ['\n"\\ü\ud800'.toWellFormed()], { immutable: true })),
      );
      expect(view?.state).toBe('succeeded');
      expect(seen).toEqual([[12345678901234567890n], ['\n"\\ü\ufffd']]);
    });

    test('starts so many members of a group at once, and each one', async () => {
      const { id, flows } = await started(
        group(
          range(1, 1_200).map((n) => step(See, [n])),
          { running: 700 },
        ),
      );
      expect(await stores.db.llen(keys.queue('a'))).toBe(500);
      await drain({ store: stores.store, jobs });
      expect(seen.map(([n]) => n).sort((a, b) => Number(a) - Number(b))).toEqual(range(1, 1_200));
      const view = await flows.get(id, { limit: 10 });
      expect(view).toMatchObject({ state: 'succeeded', cut: true, tree: { count: 1_200, state: 'succeeded' } });
      expect(view?.tree.nodes).toHaveLength(10);
    });

    test('two at once do not mix; the same id is started once', async () => {
      const { flow, flows } = flowsOn(stores, jobs);
      const pair = (n: number) =>
        flow(chord(group(step(Add, [n, 1]), step(Add, [n, 2])), step(Add, [])), { id: `flow-${n}` });
      const ids = await Promise.all(range(1, 20).map(async (n) => (await pair(n).enqueue()).id));
      expect(await pair(3).enqueue()).toEqual({ id: 'flow-3', duplicate: true });
      await Promise.all([1, 2].map(() => drain({ store: stores.open(), jobs })));
      for (const [i, id] of ids.entries()) expect((await flows.get(id))?.tree.nodes[1]?.result).toBe(2 * (i + 1) + 3);
      expect((await flows.list()).items.map(({ state }) => state)).toEqual(range(1, 20).map(() => 'succeeded'));
    });

    test('is started by a job, of cron or of anybody, once however often that runs', async () => {
      const { flow, flows } = flowsOn(stores, jobs);
      let fails = true;
      const Nightly = defineJob({
        class: 'Nightly',
        retry: { attempts: 2, backoff: 0 },
        async perform(_args, ctx) {
          await flow(step(See, ['night']), { id: ctx.job.id }).enqueue();
          if (fails) {
            fails = false;
            throw new Error('after it was started');
          }
        },
      });
      await stores.produce(
        'cron',
        '{"class":"Nightly","args":[],"cron":{"name":"nightly","slot":"2026-11-20T03:00:00Z"}}',
      );
      await drain({ store: stores.store, jobs: [...jobs, Nightly] });
      await stores.promoteRetries();
      await drain({ store: stores.store, jobs: [...jobs, Nightly] });
      expect((await flows.list()).items.map(({ state }) => state)).toEqual(['succeeded']);
      expect(seen).toEqual([['night']]);
    });

    test('limits how many of its steps run at once', async () => {
      let running = 0;
      let most = 0;
      const second = new Gate();
      const Slow = defineJob({
        class: 'Slow',
        queue: 'a',
        async perform() {
          most = Math.max(most, ++running);
          if (running === 2) second.open();
          await second.opened;
          await new Promise((resolve) => setImmediate(resolve));
          running--;
        },
      });
      const { flow } = flowsOn(stores, [Slow]);
      await flow(group(group(step(Slow, []), step(Slow, [])), group(range(1, 8).map(() => step(Slow, [])))), {
        running: 2,
      }).enqueue();
      await drain({ store: stores.store, jobs: [Slow] });
      expect(most).toBe(2);
      await eventually(async () => expect(await stores.db.llen(keys.queue('a'))).toBe(0));
    });

    test('keeps its record a day after its end, and no longer', async () => {
      const { id } = await ran(step(See, [1]));
      for (const key of [keys.flow(id), keys.flowNodes(id), keys.flowStates(id)]) {
        const ms = await stores.db.pttl(key);
        expect(ms).toBeGreaterThan(86_000_000);
        expect(ms).toBeLessThanOrEqual(86_400_000);
      }
      redisTime.move(86_400_001);
      await ran(step(See, [2]), { id: 'later' });
      const entry = `${redisTime.now()}:later`;
      expect(await stores.db.zrange(keys.flows, '0', '-1')).toEqual([`all:${entry}`, `succeeded:${entry}`]);
      expect(await stores.db.zrange(keys.flowsEnded, '0', '-1')).toEqual([entry]);
    });

    test('is listed under the state that it has, page by page, also among those of its moment', async () => {
      const { flow, flows } = flowsOn(stores, jobs);
      const listed = async (state: FlowState) => {
        const found: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await flows.list({ state, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
          for (const one of page.items) found.push(`${one.id} ${one.state}`);
          cursor = page.cursor;
        } while (cursor !== undefined);
        return found.map((text) => text.replace(` ${state}`, '')).join(' ');
      };
      const all = async () => Promise.all((['running', 'succeeded', 'failed', 'cancelled'] as const).map(listed));
      for (const id of ['a', 'b', 'c', 'd', 'e']) await flow(step(Fragile, [id]), { id }).enqueue();
      await flow(group(), { id: 'empty' }).enqueue();
      expect(await all()).toEqual(['e d c b a', 'empty', '', '']);
      await flows.cancel('d');
      await drain({ store: stores.store, jobs });
      expect(await all()).toEqual(['', 'empty', 'e c b a', 'd']);
      broken = false;
      expect(await flows.retry('b')).toBe(1);
      expect(await all()).toEqual(['b', 'empty', 'e c a', 'd']);
      await flows.cancel('e');
      await drain({ store: stores.store, jobs });
      expect(await all()).toEqual(['', 'empty b', 'c a', 'e d']);
      expect((await flows.list()).items.map(({ id }) => id).join('')).toBe('emptyedcba');
      await expect(flows.list({ limit: -1 })).rejects.toThrow('limit must be a whole number from 1 to 1000; got -1');
      await expect(flows.get('a', { offset: -1 })).rejects.toThrow('offset must be a whole number, 0 or more; got -1');
      await expect(flows.list({ state: 'late' as never })).rejects.toThrow(
        'flows.list: state must be one of running, succeeded, failed, cancelled; got "late"',
      );
    });
  });

  describe('a step that fails', () => {
    const branches = () =>
      chain(group(step(Fragile, ['x']), chain(step(See, [1]), step(See, [2]))), step(See, ['after']));
    const told = expect.objectContaining({ step: '0.0:0', class: 'Fragile', exception: 'Error', error: 'x is broken' });

    test('stops the flow; its callback gets the error, once; retried from the failed list it goes on from there', async () => {
      const { view, id, flows } = await ran(branches(), {
        onFailure: step(See, ['failure']),
        onSuccess: step(See, ['success']),
      });
      expect(view).toMatchObject({ state: 'failed', error: { step: '0.0:0', error: 'x is broken' } });
      expect(seen).toContainEqual(['failure', told]);
      expect(seen).not.toContainEqual(expect.arrayContaining(['after']));

      const retry = async () => {
        const entry = JSON.parse((await stores.db.rpop(keys.failed)) ?? '{}') as { payload?: unknown };
        await stores.produce('a', JSON.stringify(entry.payload));
        await drain({ store: stores.store, jobs });
      };
      await retry();
      expect((await flows.get(id))?.state).toBe('failed');
      broken = false;
      await retry();
      expect(await flows.get(id)).toMatchObject({
        state: 'succeeded',
        progress: { succeeded: 4, failed: 0, started: 0 },
      });
      expect(seen.filter(([name]) => name === 'failure')).toHaveLength(1);
      expect(seen.at(-2)).toEqual(['after', ['x is whole', 1]]);
      expect(seen.at(-1)?.[0]).toBe('success');
    });

    test('is run again with all others that failed, by flows.retry', async () => {
      const { id, flows } = await ran(chain(group(range(1, 3).map((n) => step(Fragile, [n]))), step(See, ['after'])));
      expect((await flows.get(id))?.progress.failed).toBeGreaterThanOrEqual(1);
      broken = false;
      expect(await flows.retry(id)).toBeGreaterThanOrEqual(1);
      await drain({ store: stores.store, jobs });
      expect(await flows.get(id)).toMatchObject({
        state: 'succeeded',
        progress: { steps: 4, succeeded: 4, failed: 0 },
      });
      expect(seen.at(-1)).toEqual(['after', ['1 is whole', '2 is whole', '3 is whole']]);
      expect(await flows.retry(id)).toBe(0);
    });

    test('is passed over, with null for its result, where the flow is to go on', async () => {
      const { view } = await ran(branches(), { ifStepFails: 'continue', onFailure: step(See, ['failure']) });
      expect(view).toMatchObject({ state: 'succeeded', progress: { steps: 4, succeeded: 3, failed: 1 } });
      expect(seen).toContainEqual(['after', [null, 1]]);
      expect(seen).toContainEqual(['failure', told]);
      const one = await ran(chain(step(Unwanted, [], { ifFails: 'continue' }), step(See, ['next'])));
      expect(one.view?.tree.nodes[0]).toMatchObject({ state: 'passed over', error: { exception: 'Discard' } });
      expect(seen).toContainEqual(['next', null]);
    });

    test.each([
      [
        'of a class that nobody defines',
        step('Nobody', [], { queue: 'a' }),
        'UnknownClassError',
        /No worker for Nobody/,
      ],
      [
        'whose result is no JSON',
        step(Odd, ['function']),
        'ResultError',
        /^Step 0\.0 \(Odd\): The result is no JSON \(a function\)/,
      ],
      [
        'whose result is too large',
        step(Odd, ['large']),
        'ResultError',
        /^Step 0\.0 \(Odd\): The result is 300002 bytes/,
      ],
      ['that is discarded', step(Unwanted, []), 'Discard', /not needed/],
    ])('%s is told with its path', async (_name, node, exception, error) => {
      const { view } = await ran(chain(node, step(See, ['after'])));
      expect(view?.state).toBe('failed');
      expect(view?.error).toMatchObject({ step: '0.0', exception, error: expect.stringMatching(error) });
      expect(seen).toEqual([]);
    });

    test('at-most-once, whose worker dies: the scheduler tells the flow, also after one that died on the way', async () => {
      let begun = 0;
      const Once = defineJob({
        class: 'Once',
        queue: 'a',
        delivery: 'at-most-once',
        perform: () => new Promise(() => void begun++),
      });
      const { flow, flows } = flowsOn(stores, [Once]);
      const { id } = await flow(chain(step(Once, []), step(See, []))).enqueue();
      const dead = mortal(stores.open());
      const worker = startWorker({ store: dead.store, jobs: [Once], options: { lease: 60_000 } });
      await eventually(() => expect(begun).toBe(1));
      dead.kill();
      redisTime.move(61_000);
      await stores.store.reclaim(100);
      expect(await stores.db.llen(keys.flowsLost)).toBe(1);
      expect((await flows.get(id))?.state).toBe('running');
      await stores.tick();
      expect(await flows.get(id)).toMatchObject({
        state: 'failed',
        error: { step: '0.0', exception: 'WorkerDiedError' },
      });
      expect(await stores.db.exists(keys.flowsLost)).toBe(0);
      worker.stop();
    });
  });

  describe('a step adds steps', () => {
    let fails = false;
    const Crawl = defineJob({
      class: 'Crawl',
      queue: 'a',
      retry: { attempts: 2, backoff: 0 },
      perform([depth], ctx) {
        if (Number(depth) > 0)
          ctx.flow?.add(step(Crawl, [Number(depth) - 1]), chain(step(Add, [1, 1]), step(Add, [Number(depth)])));
        if (fails) {
          fails = false;
          throw new Error('once');
        }
        return depth;
      },
    });

    test('to its group, with its own end; those of an attempt that fails are forgotten', async () => {
      fails = true;
      const all = [...jobs, Crawl];
      const { flow, flows } = flowsOn(stores, all);
      const { id } = await flow(chain(group(step(Crawl, [2])), step(See, ['all']))).enqueue();
      await drain({ store: stores.store, jobs: all });
      await stores.promoteRetries();
      await drain({ store: stores.store, jobs: all });
      expect(seen).toEqual([['all', [2, 1, 4, 0, 3]]]);
      expect(await flows.get(id)).toMatchObject({ state: 'succeeded', progress: { steps: 8, succeeded: 8 } });
    });

    test('not where there is no group, nor to a queue that is none of the flow, nor more than one request takes', async () => {
      const told: string[] = [];
      const Adds = defineJob({
        class: 'Adds',
        queue: 'a',
        perform([node], ctx) {
          try {
            ctx.flow?.add(step(node === 'queue' ? Multiply : Adds, node === 'large' ? ['x'.repeat(4_200_000)] : []));
          } catch (error) {
            told.push((error as Error).message);
          }
        },
      });
      const { flow } = flowsOn(stores, [Adds]);
      const members = ['queue', 'large'].map((name) => step(Adds, [name], { immutable: true }));
      await flow(chain(step(Adds, ['group']), group(members))).enqueue();
      await drain({ store: stores.store, jobs: [Adds], options: { concurrency: 1 } });
      expect(told).toEqual([
        expect.stringContaining('step 0.0 is part of no group'),
        expect.stringContaining('"b" is none of the flow\'s (a)'),
        expect.stringMatching(/4194304 characters at the most; with these 1 it is 42\d{5}\. Let those/),
      ]);
    });
  });

  describe('a flow ends before its time', () => {
    test('cancelled: what waits is discarded, what runs is aborted, nothing follows, no callback', async () => {
      let aborted: unknown;
      const Long = defineJob({
        class: 'Long',
        queue: 'a',
        perform: (_args, { signal }) =>
          new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => {
              aborted = signal.reason;
              reject(aborted);
            }),
          ),
      });
      const { flow, flows } = flowsOn(stores, [...jobs, Long]);
      const node = chain(group(step(Long, []), step(See, ['waits'])), step(See, ['after']));
      const { id } = await flow(node, { onFailure: step(See, ['failure']) }).enqueue();
      const worker = startWorker({
        store: stores.store,
        jobs: [...jobs, Long],
        options: { concurrency: 1, interval: 1_000 },
      });
      await eventually(async () => expect(Object.keys(await stores.held({ id: worker.worker }))).not.toHaveLength(0));
      expect(await flows.cancel(id, 'no longer needed')).toBe(true);
      await eventually(async () => {
        worker.pass(1_000);
        expect(await flows.get(id)).toMatchObject({
          state: 'cancelled',
          reason: 'no longer needed',
          progress: { started: 0 },
        });
      });
      expect(aborted).toMatchObject({ message: 'no longer needed' });
      expect(seen).toEqual([]);
      expect(await flows.cancel(id)).toBe(false);
      expect(await stores.db.exists(keys.control)).toBe(0);
    });

    test('a step that is removed from its queue, or cleared away with it, has failed', async () => {
      const { id, flows } = await started(chain(step(See, ['first']), step(See, [2])));
      await stores.db.sadd(keys.queues, 'a');
      expect(await redisQueuesBroker(stores.client(), 'resque:').clear('a')).toBe(1);
      await stores.tick();
      expect(await flows.get(id)).toMatchObject({ state: 'failed', error: { step: '0.0', error: 'It was removed.' } });
      expect(await flows.retry(id)).toBe(1);
      await drain({ store: stores.store, jobs });
      expect((await flows.get(id))?.state).toBe('succeeded');
    });

    test('expired: what has not started is discarded, and has failed', async () => {
      const { id, flows } = await started(chain(step(See, [1]), step(See, [2])), {
        expires: '1h',
        onFailure: step(See, ['failure']),
      });
      redisTime.move(3_600_001);
      await drain({ store: stores.store, jobs });
      expect(await flows.get(id)).toMatchObject({ state: 'failed', error: { step: '0.0', exception: 'ExpiredError' } });
      expect(seen.map(([name]) => name)).toEqual(['failure']);
    });
  });
});
