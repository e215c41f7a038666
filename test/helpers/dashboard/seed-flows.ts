import { chain, createClient, createWorker, defineJob, group, SkipRetry, step } from '../../../shared/index.ts';
import { silentLogger } from '../../../shared/internal.ts';
import type { TestRedis } from '../redis-server.ts';
import { MARKUP } from './seed.ts';

export interface SeededFlows {
  /** From now on, what has failed runs well. */
  repair(): void;
  /** Runs what is in queues. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Flows: `done`; `stopped` at two steps, with dangerous names; `large`, a group of which some have run; `waits` for a worker. */
export async function seedFlows({ url }: TestRedis, large: number): Promise<SeededFlows> {
  let repaired = false;
  const queue = 'flow-steps';
  const Sum = defineJob({
    class: 'Sum',
    queue,
    perform: (args) => args.flat().reduce((sum: number, n) => sum + Number(n), 0),
  });
  const Broken = defineJob({
    class: MARKUP,
    queue,
    perform() {
      if (!repaired) throw new SkipRetry(MARKUP);
      return MARKUP;
    },
  });
  const jobs = [Sum, Broken];
  const client = createClient({ url, jobs });
  const drain = async () => {
    await createWorker({ url, jobs, queues: [queue], exitOnComplete: true, log: silentLogger }).run();
  };
  const sums = group(step(Sum, [1, 1]), step(Sum, [5, 5]));
  await client.flow(chain(sums, step(Sum, [])), { id: 'done', onSuccess: step(Sum, []) }).enqueue();
  const halves = group(step(Broken, [1]), chain(step(Sum, [1]), step(Sum, [2])), step(Broken, [2]));
  await client
    .flow(chain(step(Sum, [1]), halves, step(Sum, ['after'], { immutable: true })), {
      id: 'stopped',
      name: MARKUP,
      onFailure: step(Sum, [], { immutable: true }),
    })
    .enqueue();
  await drain();
  // Nobody works on its queue: so many were started, the others wait in its record.
  const members = Array.from({ length: large }, (_, i) => step('Nobody', [i], { queue: 'unworked' }));
  await client.flow(chain(group(members), step('Nobody', [], { queue: 'unworked' })), { id: 'large' }).enqueue();
  await client.flow(step('Nobody', ['waits'], { queue: 'unworked' }), { id: 'waits' }).enqueue();
  return {
    repair: () => {
      repaired = true;
    },
    drain,
    stop: () => client.close(),
  };
}
