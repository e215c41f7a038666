import { describe, expect, test } from 'vitest';
import { type DrainDeps, drain } from '../../../functions/consumer/drain.ts';
import { consumerEnd } from '../../../functions/contract/invocation-end.ts';
import type { Broker, SyncRequest, SyncResult } from '../../../shared/broker/broker.ts';
import { workerDefaults } from '../../../shared/config.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { silentLogger } from '../../../shared/log.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { MemoryFlows } from '../../../shared/testing/memory-flows.ts';
import { rawJob, syncReply } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** A Redis with one queue, of which a turn gets everything. */
class Queue {
  payloads: string[] = [];
  readonly workers: string[] = [];

  readonly store = {
    address: 'nowhere',
    sync: async (turn: SyncRequest): Promise<SyncResult> => {
      if (turn.register) this.workers.push(turn.worker);
      const taken = turn.reserve ? this.payloads.splice(0) : [];
      const first = turn.reserve?.firstSeq ?? 0;
      return syncReply({ jobs: taken.map((text, n) => rawJob(text, { queue: 'q', seq: first + n })) });
    },
    leave: async () => 0,
  } as unknown as Broker;
}

describe('a consumer that lingers', () => {
  const HELLO = '{"class":"Hello","args":[]}';

  function start(linger: number, remaining = 300_000) {
    const clock = new ManualClock();
    const queue = new Queue();
    const setting: DrainDeps = {
      store: queue.store,
      openFlows: () => new MemoryFlows(clock),
      registry: createRegistry([defineJob({ class: 'Hello', perform() {} })]),
      queues: parseQueues('q'),
      options: workerDefaults,
      consumer: 'default',
      system: 'S',
      requestId: 'r',
      place: { maxWorkers: 2 },
      clock,
      log: silentLogger,
      onRun: () => {},
      linger,
      end: consumerEnd(clock.now(), clock.now() + remaining),
    };
    const state = { ended: false };
    const done = drain(setting).finally(() => {
      state.ended = true;
    });
    return { clock, queue, state, done };
  }

  test('ends at once if told to', async () => {
    const { clock, queue, done } = start(0);
    await clock.advance(0);
    expect(await done).toMatchObject({ processed: 0, stopped: 'empty' });
    expect(queue.workers).toHaveLength(1);
    expect(queue.workers[0]).toMatch(/^lambdesque-default@S-[0-9a-f]{12}:r:q$/);
    expect(clock.pending).toBe(0);
  });

  test('looks again each interval, and as long after the last job', async () => {
    const { clock, queue, state, done } = start(20_000);
    await clock.advance(12_000);
    expect(state.ended).toBe(false);
    queue.payloads = [HELLO, HELLO];
    await clock.advance(5_000);
    expect(queue.payloads).toEqual([]);
    await clock.advance(17_000);
    expect(state.ended).toBe(false);
    await clock.advance(1_000);
    expect(await done).toMatchObject({ processed: 2, succeeded: 2, stopped: 'empty' });
    expect(clock.pending).toBe(0);
  });

  test('does not pass its deadline', async () => {
    const { clock, state, done } = start(3_600_000, 60_000);
    await clock.advance(57_000);
    expect(state.ended).toBe(true);
    expect(await done).toMatchObject({ stopped: 'empty' });
  });
});
