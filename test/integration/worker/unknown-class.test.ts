import { expect, test } from 'vitest';
import { type AnyJobDefinition, defineJob } from '../../../shared/index.ts';
import type { Broker, WorkerOptions } from '../../../shared/internal.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { failed, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { drain, type RunningWorker, startWorker } from '../../helpers/workers.ts';

/** More syncs than any of these tests has a use for: a worker that spins is stopped here. */
const SPINNING = 40;

withBrokers((stores) => {
  const setup = () => {
    const ran: unknown[] = [];
    const Known = defineJob({ class: 'Known', perform: ([name]) => void ran.push(name) });
    return { ran, Known };
  };

  /** A worker that releases what it does not know, and the number of its syncs. */
  function releasing(jobs: readonly AnyJobDefinition[], options: Partial<WorkerOptions> = {}, queues = '*') {
    let syncs = 0;
    const sync: Broker['sync'] = (request) => {
      if (++syncs === SPINNING) consumer.stop();
      return stores.store.sync(request);
    };
    const consumer: RunningWorker = startWorker({
      store: { ...stores.store, sync },
      jobs,
      queues,
      options: { unknownClass: 'release', ...options },
    });
    return { consumer, syncs: () => syncs };
  }

  test('it fails, with the class and the queue in the error, by default', async () => {
    const { ran, Known } = setup();
    const payload = '{"class":"Un\\u006bnown", "args":[1.0]}';
    await stores.produce('work', payload, ...payloads('Known', [1]));
    expect(await drain({ store: stores.store, jobs: [Known] })).toMatchObject({ failed: 1, succeeded: 1 });
    expect(await stores.db.lindex(stores.keys.failed, 0)).toContain(`"payload":${payload},`);
    expect(await failed(stores.db)).toMatchObject([
      { exception: 'UnknownClassError', error: expect.stringMatching(/^No worker for Unknown in queue work/) },
    ]);
    expect(ran).toEqual([1]);
  });

  test('released, it stays for other workers, and nobody spins on it', async () => {
    const { ran, Known } = setup();
    const unknown = payloads('Unknown', range(1, 110));
    await stores.produce('work', ...unknown, ...payloads('Known', range(1, 5)));
    const { consumer, syncs } = releasing([Known]);
    await eventually(async () => {
      expect(ran).toEqual(range(1, 5));
      expect(await inFlight(stores.db)).toBe(0);
    });
    consumer.stop();
    await consumer.ended;
    // Each job is looked at once, and the first ones again: 25 in a sync.
    expect(syncs()).toBeLessThan(15);
    expect(consumer.summary.released).toBeLessThan(300);
    expect((await stores.queued('work')).sort()).toEqual(unknown.sort());

    const others: unknown[] = [];
    const Unknown = defineJob({ class: 'Unknown', perform: ([n]) => void others.push(n) });
    await drain({ store: stores.store, jobs: [Unknown] });
    expect(others).toHaveLength(110);
    expect(await failed(stores.db)).toEqual([]);
  });

  test('released ones do not keep a worker from ending when nothing else is left', async () => {
    const { ran, Known } = setup();
    await stores.produce('work', ...payloads('Unknown', range(1, 70)), ...payloads('Known', [1]));
    const { consumer, syncs } = releasing([Known], { exitOnComplete: true });
    await consumer.ended;
    expect(ran).toEqual([1]);
    expect(syncs()).toBeLessThan(15);
    expect(await stores.queued('work')).toHaveLength(70);
  });

  test('released ones that are all alike do not hide a job behind them', async () => {
    const { ran, Known } = setup();
    await stores.produce('work', ...payloads('Unknown', new Array(60).fill('same')), ...payloads('Known', [1]));
    const { consumer, syncs } = releasing([Known], { exitOnComplete: true });
    await consumer.ended;
    expect(syncs()).toBeLessThan(15);
    expect(ran).toEqual([1]);
    expect(await stores.queued('work')).toHaveLength(60);
  });

  test('released ones do not keep the next queue waiting', async () => {
    const { ran, Known } = setup();
    await stores.produce('first', ...payloads('Unknown', range(1, 60)));
    await stores.produce('second', ...payloads('Known', range(1, 3)));
    const { consumer, syncs } = releasing([Known], { exitOnComplete: true }, 'first,second');
    await consumer.ended;
    expect(syncs()).toBeLessThan(15);
    expect(ran).toEqual(range(1, 3));
    expect(await stores.queued('first')).toHaveLength(60);
  });
});
