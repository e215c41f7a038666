import { expect, test } from 'vitest';
import { defineJob } from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { drain } from '../../helpers/workers.ts';

const WAITING = '{"status":1,"updated":1,"started":1,"result":null}';

withBrokers((stores) => {
  test('what a handler returns is the result that php-resque reads', async () => {
    const jobs = [
      defineJob({ class: 'Later', perform: async ([n]) => ({ doubled: Number(n) * 2 }) }),
      defineJob({ class: 'Now', perform: ([n]) => [n] }),
      defineJob({ class: 'Large', perform: () => 'x'.repeat(200_000) }),
    ];
    const ids = Array.from({ length: 62 }, (_, i) => String(i).padStart(32, '0'));
    const classOf = (i: number) => (i === 0 ? 'Later' : i === 1 ? 'Now' : 'Large');
    for (const id of ids) await stores.db.set(stores.keys.jobStatus(id), WAITING);
    await stores.produce('q', ...ids.map((id, i) => `{"class":"${classOf(i)}","args":[${i + 3}],"id":"${id}"}`));

    await drain({ store: stores.store, jobs });

    const records = await stores.db.mget(...ids.map(stores.keys.jobStatus));
    const results = records.map((one) => JSON.parse(one ?? ''));
    expect(results[0]).toMatchObject({ status: 4, result: { doubled: 6 } });
    expect(results[1]).toMatchObject({ status: 4, result: [4] });
    for (const one of results.slice(2)) expect(one.result).toHaveLength(200_000);
    await stores.db.flushall();
  });
});
