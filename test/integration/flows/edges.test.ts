import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { chain, chord, defineJob, type FlowNode, type FlowOptions, group, step } from '../../../shared/index.ts';
import { type Brokers, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { flowsOn, statesOf } from '../../helpers/flows.ts';
import { drain, Gate, startWorker } from '../../helpers/workers.ts';

/** Flows at their edges: the smallest ones, what comes of nothing, what fails where, and what happens to them at the wrong moment. */

const seen: unknown[][] = [];
/** Called by each step that sees. */
let meanwhile: ((args: readonly unknown[]) => Promise<void>) | undefined;
afterEach(() => {
  seen.length = 0;
  meanwhile = undefined;
});
const See = defineJob({
  class: 'See',
  queue: 'a',
  retry: { attempts: 1 },
  async perform(args) {
    seen.push([...args]);
    await meanwhile?.(args);
    return args.at(-1);
  },
});
const Nothing = defineJob({ class: 'Nothing', queue: 'a', perform() {} });
const Strict = defineJob({ class: 'Strict', queue: 'a', args: z.tuple([z.number()]), perform: ([n]) => n });
const Fails = defineJob({
  class: 'Fails',
  queue: 'a',
  retry: { attempts: 1 },
  perform() {
    throw new Error('no');
  },
});
const jobs = [See, Nothing, Strict, Fails];

withBrokers((stores: Brokers) => {
  const ran = async (node: FlowNode, options?: FlowOptions) => {
    const { flow, flows } = flowsOn(stores, jobs);
    const { id } = await flow(node, options).enqueue();
    await drain({ store: stores.store, jobs });
    return { id, flows, view: await flows.get(id) };
  };

  const done = { onSuccess: step(See, ['done']) };
  test.each<[string, FlowNode, unknown]>([
    ['one step', step(See, [1]), 1],
    ['an empty group', group(), []],
    ['a chord over an empty group', chord(group(), step(See, [])), []],
    ['a chain of empty groups', chain(group(), group(group()), group()), []],
    [
      'a chain of more empty groups than a script’s stack has calls',
      chain(...Array.from({ length: 10_000 }, () => group())),
      [],
    ],
    ['a group of empty groups', group(group(), chain(group(), group())), [[], []]],
    [
      'a list that ends where the script has no time left for the one around it',
      group(step(See, [1]), group(...Array.from({ length: 3_400 }, () => step(Nothing, [])))),
      [1, Array.from({ length: 3_400 }, () => null)],
    ],
    ['a step behind a step that returns nothing', chain(step(Nothing, []), step(See, ['got'])), null],
    ['a group of what returns nothing', group(step(Nothing, []), step(See, [2])), [null, 2]],
    [
      'a group behind a group, each member with the list',
      chain(group(step(See, [1]), step(See, [2])), group(step(See, []), step(See, ['x']))),
      [
        [1, 2],
        [1, 2],
      ],
    ],
    [
      'groups in groups, in their order',
      group(
        step(See, [1]),
        group(step(See, [2]), chain(step(See, [0]), step(See, [3], { immutable: true }))),
        step(See, [4]),
      ),
      [1, [2, 3], 4],
    ],
    [
      'a chain in a chain',
      chain(step(See, [1]), chain(step(See, ['in']), chain(step(See, ['deep']))), step(See, ['out'])),
      1,
    ],
  ])('%s', async (_name, node, result) => {
    const { view } = await ran(node, done);
    expect(view).toMatchObject({ state: 'succeeded', progress: { started: 0, failed: 0 } });
    expect(view?.progress.succeeded).toBe(view?.progress.steps);
    expect(seen.filter(([first]) => first === 'done')).toEqual([['done', result]]);
    expect(new Set(Object.values(statesOf(view?.tree)))).toEqual(new Set(['succeeded']));
  });

  describe('what fails', () => {
    test.each<[string, FlowNode, string, RegExp]>([
      [
        'a class that nobody defines',
        group(step(See, [1]), chain(step(See, [2]), step('Nobody', [], { queue: 'a' }))),
        '0:1.1',
        /Nobody/,
      ],
      [
        'a result that the schema of the next step refuses',
        chain(step(See, ['text']), step(Strict, [])),
        '0.1',
        /expected number/,
      ],
    ])('%s is told with its path', async (_name, node, path, error) => {
      const { view } = await ran(node, { onFailure: step(See, ['failure']) });
      expect(view).toMatchObject({ state: 'failed', error: { step: path, error: expect.stringMatching(error) } });
      expect(seen.filter(([first]) => first === 'failure')).toMatchObject([['failure', { step: path }]]);
    });

    test('arguments that cannot be right are told with the path before anything is written', async () => {
      const { flow, flows } = flowsOn(stores, jobs);
      const wrong = chain(step(See, [1]), group(step(See, [2]), step(Strict, ['text' as never], { immutable: true })));
      await expect(flow(wrong, { id: 'wrong' }).enqueue()).rejects.toThrow(/^Step 0\.1:1 \(Strict\): /);
      expect(await flows.get('wrong')).toBeUndefined();
      expect(await stores.db.keys('*')).toEqual([]);
    });

    test('several steps, and then others when those were retried: the callback runs once', async () => {
      const { id, flows } = await ran(group(step(Fails, []), step(Fails, []), chain(step(Fails, []), step(See, [1]))), {
        onFailure: step(See, ['failure']),
      });
      for (let i = 0; i < 2; i++) {
        await flows.retry(id);
        await drain({ store: stores.store, jobs });
      }
      expect(seen.filter(([first]) => first === 'failure')).toHaveLength(1);
      expect((await flows.get(id))?.progress).toMatchObject({ steps: 4, succeeded: 0, failed: 3, started: 0 });
    });

    test.each(['onSuccess', 'onFailure'] as const)(
      'the callback %s itself: the flow has ended as it has',
      async (name) => {
        const node = name === 'onSuccess' ? step(See, [1]) : step(Fails, []);
        const { view } = await ran(node, { [name]: step(Fails, [], { immutable: true }) });
        expect(view?.state).toBe(name === 'onSuccess' ? 'succeeded' : 'failed');
        expect(view?.[name]).toMatchObject({
          state: 'failed',
          error: { step: name === 'onSuccess' ? 'success' : 'failure', error: 'no' },
        });
        expect(view?.progress.started).toBe(0);
      },
    );
  });

  test('one step of several that have failed is retried by itself; the flow goes on when the last has succeeded', async () => {
    let broken = true;
    const Fragile = defineJob({
      class: 'Fragile',
      queue: 'a',
      retry: { attempts: 1 },
      perform([n]) {
        if (broken) throw new Error(`${n} is broken`);
        return n;
      },
    });
    const { flow, flows } = flowsOn(stores, [Fragile, See]);
    const { id } = await flow(chain(group([1, 2, 3].map((n) => step(Fragile, [n]))), step(See, ['after']))).enqueue();
    const drained = () => drain({ store: stores.store, jobs: [Fragile, See] });
    await drained();
    const stopped = await flows.get(id, { members: 1 });
    expect(stopped).toMatchObject({
      state: 'failed',
      cut: true,
      stopped: [0, 1, 2].map((i) => ({ path: `0.0:${i}`, class: 'Fragile', error: { error: `${i + 1} is broken` } })),
      tree: {
        nodes: [
          { state: 'failed', members: { failed: 3, started: 0, waiting: 0 }, nodes: [{ path: '0.0:0' }] },
          { state: 'waiting' },
        ],
      },
    });
    expect(stopped?.stopped[0]?.ms).toBeTypeOf('number');
    broken = false;
    expect(await flows.retry(id, '0.0:1')).toBe(1);
    expect(await flows.retry(id, '0.0:1')).toBe(0);
    await drained();
    expect(await flows.get(id)).toMatchObject({
      state: 'failed',
      error: { step: '0.0:0' },
      progress: { succeeded: 1, failed: 2, started: 0 },
    });
    expect(await flows.retry(id)).toBe(2);
    await drained();
    expect(await flows.get(id)).toMatchObject({ state: 'succeeded', progress: { steps: 4, succeeded: 4, failed: 0 } });
    expect(seen).toEqual([['after', [1, 2, 3]]]);
  });

  test('a step adds members while the others of its group settle: all of them count, and the group ends once', async () => {
    const gates = new Map([1, 2, 3].map((n) => [n, new Gate()]));
    const Adds = defineJob({
      class: 'Adds',
      queue: 'a',
      async perform([n], ctx) {
        await gates.get(Number(n))?.opened;
        if (n === 3) ctx.flow?.add(step(See, ['added']), group(step(See, ['in']), step(See, ['a group'])));
        return n;
      },
    });
    const all = [Adds, See];
    const { flow, flows } = flowsOn(stores, all);
    const node = chain(group([1, 2, 3].map((n) => step(Adds, [n]))), step(See, ['all']));
    const { id } = await flow(node).enqueue();
    // Of two workers: what settles in one sync with it, and what settles beside it.
    const workers = [1, 2].map(() =>
      startWorker({ store: stores.open(), jobs: all, options: { concurrency: 2, interval: 1_000 } }),
    );
    const passed = () => {
      for (const one of workers) one.clock.move(1_000);
    };
    await eventually(async () => {
      passed();
      expect((await flows.get(id))?.progress.started).toBe(3);
    });
    for (const gate of gates.values()) gate.open();
    await eventually(async () => {
      passed();
      expect((await flows.get(id))?.state).toBe('succeeded');
    });
    expect(seen.filter(([first]) => first === 'all')).toEqual([['all', [1, 2, 3, 'added', ['in', 'a group']]]]);
    expect(await flows.get(id)).toMatchObject({ progress: { steps: 7, succeeded: 7, started: 0 } });
    for (const one of workers) one.stop();
  });

  describe.each(['cancelled', 'expired'] as const)('%s', (how) => {
    test.each([
      ['before anything has started', 0],
      ['while its first step runs', 1],
      ['while a group of it runs', 2],
      ['while its last step runs', 4],
      ['while its callback runs', 'done'],
      ['when all has ended', undefined],
    ])('%s: nothing is left, nothing runs twice, and it is told', async (_name, when) => {
      const made = flowsOn(stores, jobs);
      const end = async () => {
        if (how === 'cancelled') await made.flows.cancel('ends', 'enough');
        else redisTime.move(3_600_001);
      };
      meanwhile = async ([name]) => {
        if (name === when) await end();
      };
      const node = chain(step(See, [1]), group(step(See, [2]), step(See, [3])), step(See, [4]));
      await made
        .flow(node, {
          id: 'ends',
          onSuccess: step(See, ['done']),
          ...(how === 'expired' ? { expires: '1h' as const } : {}),
        })
        .enqueue();
      if (when === 0) await end();
      await drain({ store: stores.store, jobs });
      if (when === undefined) await end();
      await stores.tick();
      const view = await made.flows.get('ends');
      // What runs may come to its end: of the last step, that is the flow's.
      const isOver = when === undefined || when === 'done' || (when === 4 && how === 'expired');
      expect(view?.state).toBe(isOver ? 'succeeded' : how === 'cancelled' ? 'cancelled' : 'failed');
      expect(view?.progress.started).toBe(0);
      expect(seen.filter(([name]) => name === 'done')).toHaveLength(isOver ? 1 : 0);
      expect(new Set(seen.map(([name]) => name)).size).toBe(seen.length);
      expect(await stores.db.exists(stores.keys.control)).toBe(0);
      expect(await made.flows.cancel('ends')).toBe(view?.state === 'failed');
    });
  });

  test('cancelled when it has stopped at a step: it cannot be retried any more, and its failed job changes nothing', async () => {
    const { id, flows } = await ran(chain(step(Fails, []), step(See, [1])));
    expect(await flows.cancel(id, 'enough')).toBe(true);
    expect(await flows.retry(id)).toBe(0);
    const entry = JSON.parse((await stores.db.rpop(stores.keys.failed)) ?? '{}') as { payload?: unknown };
    await stores.produce('a', JSON.stringify(entry.payload));
    await drain({ store: stores.store, jobs });
    expect(await flows.get(id)).toMatchObject({ state: 'cancelled', progress: { started: 0 } });
    expect(seen).toEqual([]);
    expect(await stores.db.exists(stores.keys.control)).toBe(0);
  });
});
