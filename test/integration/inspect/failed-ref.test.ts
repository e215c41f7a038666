import { describe, expect, test } from 'vitest';
import { redisFailedBroker } from '../../../shared/broker/redis/failed.ts';
import { createFailed } from '../../../shared/inspect/failed-client.ts';
import { failedRef, findFailed } from '../../../shared/inspect/failed-ref.ts';
import { withBackends } from '../../helpers/backends.ts';

const entry = (n: number, id = '') =>
  `{"failed_at":"2026/11/20 20:29:37 UTC","payload":{"class":"A","args":[${n}]${id}},"exception":"E","error":"e","backtrace":[],"worker":"w","queue":"q"}`;

withBackends((one) => {
  const view = () => createFailed(redisFailedBroker(one.client(), 'resque:'));
  const found = async (text: string, list?: string) => (await findFailed(view(), text, list))?.args[0];

  describe('a short name of a failed entry', () => {
    test('stands for it, retried or not, when others have come and gone', async () => {
      await one.db.rpush('resque:failed', ...Array.from({ length: 300 }, (_, n) => entry(n)));
      const { items } = await view().page({ limit: 300 });
      const [ref, place] = [failedRef(items[49] as never), items[49]?.place ?? ''];
      expect(ref).toMatch(/^250-[0-9a-f]{6}$/);
      expect([await found(ref), await found(place)]).toEqual([250, 250]);
      await one.db.ltrim('resque:failed', 200, -1);
      await one.db.rpush('resque:failed', entry(1_000));
      expect([await found(ref), await found(place)]).toEqual([250, 250]);
      await view().retry((await findFailed(view(), ref)) as never);
      expect([await found(ref), await found(place)]).toEqual([250, 250]);
      await one.db.ltrim('resque:failed', 60, -1);
      expect([await found(ref), await found(place)]).toEqual([undefined, undefined]);
    });

    test('names another list', async () => {
      await one.db.rpush('resque:mail_failed', entry(1), entry(2));
      await one.db.sadd('resque:failed_queues', 'mail_failed');
      const { items } = await view().page({ list: 'mail_failed' });
      const ref = failedRef(items[0] as never);
      expect(ref).toMatch(/^1-[0-9a-f]{6}@mail_failed$/);
      expect(await found(ref)).toBe(2);
    });

    test('is not needed where the job has an id: the newest with it is meant', async () => {
      await one.db.rpush('resque:failed', entry(1, ',"id":"x-1"'), entry(2, ',"id":"x-1"'), entry(3, ',"note":"x-1"'));
      expect(await found('x-1')).toBe(2);
      expect(await found('x-2')).toBeUndefined();
      expect(await found('x-1', 'mail_failed')).toBeUndefined();
    });
  });
});
