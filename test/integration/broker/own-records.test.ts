import { expect, it } from 'vitest';
import { unsplice } from '../../../shared/wire/attempts-record.ts';
import { tokenOf } from '../../../shared/wire/worker-id.ts';
import { fail, LEASE, release, retry, withBrokers } from '../../helpers/brokers.ts';

const recorded = (id: string, attempts: string | number, deaths: string | number) =>
  `{"lambdesque":{"id":"${id}","attempts":${attempts},"deaths":${deaths}},"class":"A","args":[]}`;

/** Payloads that arrive with a record in the exact form of ours: copied out of a queue, or written so by a producer. */
withBrokers((stores) => {
  const failedEntries = () => stores.db.lrange(stores.keys.failed, 0, -1);

  it('is given back with its bytes', async () => {
    await stores.produce('q', recorded('x', 1, 0));
    const worker = stores.worker();

    await worker.sync({ settle: [release(await worker.takeOne('q'))] });

    expect(await stores.queued('q')).toEqual([recorded('x', 1, 0)]);
  });

  it('counts on from the attempts and deaths in it', async () => {
    await stores.produce('q', recorded('x', 2, 1));
    await stores.worker().take('q');
    await stores.reclaimAfter(LEASE);
    expect(await stores.queued('q')).toEqual([recorded('x', 2, 2)]);

    const worker = stores.worker();
    const raw = await worker.takeOne('q');
    await worker.sync({ settle: [retry(raw, { id: 'x', attempts: 3, deaths: 2 })] });
    await stores.promoteRetries();

    expect(await stores.queued('q')).toEqual([recorded('x', 3, 2)]);
  });

  it('goes to the failed list without the record, which is not its producer’s', async () => {
    await stores.produce('q', recorded('x', 2, 1));
    const worker = stores.worker();

    await worker.sync({ settle: [fail(await worker.takeOne('q'))] });

    expect(await failedEntries()).toEqual(['<{"class":"A","args":[]}>']);
  });

  it('is retried once for each copy of it', async () => {
    await stores.produce('q', recorded('x', 1, 0), recorded('x', 1, 0));
    const worker = stores.worker();
    const jobs = await worker.take('q');

    for (const raw of jobs) {
      await worker.sync({ settle: [retry(raw, { id: 'x', attempts: 2, deaths: 0 })] });
    }
    await stores.promoteRetries();

    expect(await stores.queued('q')).toEqual([recorded('x', 2, 0), recorded('x', 2, 0)]);
  });

  it('is retried once for each copy of it, also in one sync', async () => {
    await stores.produce('q', recorded('x', 1, 0), recorded('x', 1, 0));
    const worker = stores.worker();
    const jobs = await worker.take('q');
    const record = { id: 'x', attempts: 2, deaths: 0 };

    await worker.sync({ settle: jobs.map((raw) => retry(raw, record)) });
    await stores.promoteRetries();

    expect(await stores.queued('q')).toHaveLength(2);
  });

  it.each([
    ['more attempts than a double holds', '99999999999999999999', '0'],
    ['more deaths than a double holds', '1', '99999999999999999999'],
    ['infinitely many attempts', `1${'0'.repeat(400)}`, '0'],
    ['leading zeros', '007', '00'],
  ])('never becomes another payload, also with %s', async (_, attempts, deaths) => {
    await stores.produce('q', recorded('x', attempts, deaths));

    for (let i = 0; i < 2; i++) {
      await stores.worker().take('q');
      await stores.reclaimAfter(LEASE);
    }

    const [payload = ''] = await stores.queued('q');
    expect([recorded('x', attempts, deaths), '{"class":"A","args":[]}']).toContain(unsplice(payload).payload);
    expect(unsplice(payload).record).toBeDefined();
  });

  it('gets an id of its own where none was given, the same for all attempts', async () => {
    await stores.produce('q', '{"class":"A","args":[]}', '{"class":"A","args":[]}');
    const worker = stores.worker();
    await worker.take('q');
    const idOf = (payload: string) => unsplice(payload).record?.id;

    await stores.reclaimAfter(LEASE);
    const first = (await stores.queued('q')).map(idOf);
    await stores.worker().take('q');
    await stores.reclaimAfter(LEASE);

    expect(first).toEqual([`${tokenOf(worker.id)}-0`, `${tokenOf(worker.id)}-1`]);
    expect((await stores.queued('q')).map(idOf)).toEqual(first);
  });
});
