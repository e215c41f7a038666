import { ManualClock, recordingClient, runJob } from 'lambdesque/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, Discard, defineJob } from '../../../shared/index.ts';

/** Jobs that lead to others, and the order in which all of them ran. */

let calls: string[];
beforeEach(() => {
  calls = [];
});

const Leaf = defineJob({
  class: 'Leaf',
  queue: 'leaves',
  perform([name]: readonly string[]) {
    calls.push(`leaf ${name}`);
    return name;
  },
});
const Branch = defineJob({
  class: 'Branch',
  queue: 'branches',
  async perform([name]: readonly string[], ctx) {
    calls.push(`branch ${name}`);
    await ctx.enqueue(Leaf, [`${name}1`]);
    await ctx.enqueue('Leaf', [`${name}2`], { in: '1h', queue: 'later' });
    calls.push(`branch ${name} ends`);
  },
});
const Tree = defineJob({
  class: 'Tree',
  queue: 'trees',
  async perform(_args, ctx) {
    await ctx.enqueue(Branch, ['a']);
    await ctx.enqueue(Branch, ['b']);
  },
});
const boom = new Error('boom');
const Broken = defineJob({
  class: 'Broken',
  queue: 'q',
  retry: { attempts: 3, backoff: '9s' },
  perform() {
    throw boom;
  },
});
const CallsBroken = defineJob({
  class: 'CallsBroken',
  queue: 'q',
  async perform(_args, ctx) {
    await ctx.enqueue(Broken, []);
    return 'went on';
  },
});
const Again = defineJob({
  class: 'Again',
  queue: 'q',
  async perform(_args, ctx) {
    calls.push('again');
    await ctx.enqueue('Again', []);
  },
});
const Elsewhere = defineJob({
  class: 'CallsElsewhere',
  queue: 'q',
  async perform(_args, ctx) {
    await ctx.enqueue('Elsewhere', [], { queue: 'ruby' });
  },
});

const DEPTH_FIRST = ['a', 'b'].flatMap((name) => [
  `branch ${name}`,
  `leaf ${name}1`,
  `leaf ${name}2`,
  `branch ${name} ends`,
]);

describe('runJob, inline', () => {
  test('runs what is enqueued at once, depth first, delayed jobs too, and tells how each ran', async () => {
    const run = await runJob(Tree, [], { inline: true, jobs: [Leaf] });
    expect(calls).toEqual(DEPTH_FIRST);
    expect(run.enqueued.map((one) => [one.class, one.run?.outcome])).toEqual([
      ['Branch', 'succeeded'],
      ['Branch', 'succeeded'],
    ]);
    expect(run.enqueued[1]?.run?.enqueued).toMatchObject([
      { class: 'Leaf', queue: 'leaves', at: undefined, run: { outcome: 'succeeded', result: 'b1' } },
      { class: 'Leaf', queue: 'later', at: expect.any(Date), run: { outcome: 'succeeded', result: 'b2' } },
    ]);
  });

  test('leaves what they throw with them', async () => {
    const run = await runJob(CallsBroken, [], { inline: true });
    expect(run).toMatchObject({ outcome: 'succeeded', result: 'went on' });
    expect(run.enqueued[0]?.run).toMatchObject({ outcome: 'retried', delay: 9_000, error: boom });
  });

  test('has the middleware around each', async () => {
    const seen: string[] = [];
    const middleware = [
      (ctx: { job: { class: string } }, next: () => Promise<unknown>) => {
        seen.push(ctx.job.class);
        return next();
      },
    ];
    await runJob(Tree, [], { inline: true, jobs: [Leaf], middleware });
    expect(seen).toEqual(['Tree', 'Branch', 'Leaf', 'Leaf', 'Branch', 'Leaf', 'Leaf']);
  });

  test('runs by class, as a worker does: a definition in jobs stands for another', async () => {
    const Stub = defineJob({ class: 'Broken', queue: 'q', perform: () => 'stub' });
    const run = await runJob(CallsBroken, [], { inline: true, jobs: [Stub] });
    expect(run.enqueued[0]?.run).toMatchObject({ outcome: 'succeeded', result: 'stub' });
  });

  test('ends jobs that enqueue each other without an end', async () => {
    const message = 'inline: one call has led to 20 jobs, and Again would be one more.';
    await expect(runJob(Again, [], { inline: true, limit: 20 })).rejects.toThrow(ConfigError);
    calls = [];
    await expect(runJob(Again, [], { inline: true, limit: 20 })).rejects.toThrow(message);
    expect(calls).toHaveLength(21);
  });

  test('says so where nothing runs a class', async () => {
    await expect(runJob(Elsewhere, [], { inline: true })).rejects.toThrow(
      'inline: nothing runs the class Elsewhere. Give its definition in jobs, or one that stands for it.',
    );
    expect((await runJob(Elsewhere, [])).enqueued, 'not inline').toHaveLength(1);
  });
});

describe('a client, inline', () => {
  test('runs each job before enqueue resolves, depth first, delayed jobs too', async () => {
    const client = recordingClient({ inline: true, jobs: [Leaf, Branch, Tree] });
    const enqueued = await client.enqueue('Tree', [], { at: new Date('2100-01-01') });
    expect(calls).toEqual(DEPTH_FIRST);
    expect(enqueued).toMatchObject({ queue: 'trees', at: new Date('2100-01-01') });
    expect(client.enqueued.map((one) => one.class)).toEqual([
      ...['Tree', 'Branch', 'Leaf', 'Leaf', 'Branch', 'Leaf', 'Leaf'],
    ]);
    expect(client.enqueued.every((one) => one.run?.outcome === 'succeeded')).toBe(true);
    client.expectEnqueued(Leaf, ['b2'], { queue: 'later', in: '1h' });
    expect(await client.scheduled.count(), 'nothing waits').toEqual({ delayed: 0, retries: 0 });
  });

  test('runs many in their order', async () => {
    const client = recordingClient({ inline: true });
    await client.enqueueAll([
      { job: Leaf, args: ['1'], in: '1h' },
      { job: Leaf, args: ['2'] },
    ]);
    expect(calls).toEqual(['leaf 1', 'leaf 2']);
  });

  test('rejects with what a job threw, and tries nothing again', async () => {
    const client = recordingClient({ inline: true });
    await expect(client.enqueue(Broken, [])).rejects.toBe(boom);
    expect(client.enqueued).toMatchObject([{ class: 'Broken', run: { outcome: 'retried', error: boom } }]);
  });

  test('rejects with what a job threw that a job enqueued: it goes through both', async () => {
    const client = recordingClient({ inline: true });
    await expect(client.enqueue(CallsBroken, [])).rejects.toBe(boom);
    expect(client.enqueued.map((one) => one.run?.outcome)).toEqual(['retried', 'retried']);
  });

  test('does not reject where a job was discarded', async () => {
    const Gone = defineJob({
      class: 'Gone',
      queue: 'q',
      perform() {
        throw new Discard('gone');
      },
    });
    const client = recordingClient({ inline: true });
    await client.enqueue(Gone, []);
    expect(client.enqueued[0]?.run).toMatchObject({ outcome: 'discarded', error: new Discard('gone') });
  });

  test('ends jobs that enqueue each other without an end, whoever takes notice, and goes on with the next call', async () => {
    const Deaf = defineJob({
      class: 'Deaf',
      queue: 'q',
      async perform(_args, ctx) {
        await ctx.enqueue('Deaf', []).catch(() => {});
      },
    });
    const client = recordingClient({ inline: true, jobs: [Deaf, Again], limit: 10 });
    await expect(client.enqueue('Deaf', [])).rejects.toThrow('one call has led to 10 jobs');
    await expect(client.enqueue('Again', [])).rejects.toThrow('one call has led to 10 jobs');
    await client.enqueue(Leaf, ['x']);
    expect(calls.at(-1)).toBe('leaf x');
  });

  test('runs the job of a cron entry', async () => {
    const client = recordingClient({ inline: true, jobs: [Leaf], clock: new ManualClock() });
    await client.cron.upsert('nightly', { cron: '0 3 * * *', class: 'Leaf', args: ['nightly'] });
    await client.cron.runNow('nightly');
    expect(calls).toEqual(['leaf nightly']);
    expect(client.enqueued[0]?.run?.outcome).toBe('succeeded');
  });
});
