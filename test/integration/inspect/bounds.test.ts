import { expect, it } from 'vitest';
import { redisFailedBroker } from '../../../shared/internal.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { bytesReadBy } from '../../helpers/bytes-read.ts';
import { numbered } from '../../helpers/failed-entries.ts';

const MB = 1_048_576;
/** No script may read more, whatever is in the list. */
const MOST = 32 * MB;

const repeat = (count: number, ...sizes: number[]) => Array.from({ length: count }, () => sizes).flat();

/** From the head: it is looked through from the tail. */
const mixes: Readonly<Record<string, readonly number[]>> = {
  'small ones, behind large ones': [...repeat(24, MB), ...repeat(3_000, 300)],
  'large ones, behind small ones': [...repeat(3_000, 300), ...repeat(24, MB)],
  'large ones among small ones': repeat(20, MB, ...repeat(100, 300)),
  'the largest that there are': repeat(6, 8 * MB),
  'ever larger ones': Array.from({ length: 20 }, (_, i) => 300 * Math.ceil(1.6 ** (20 - i))),
};

withBrokers(
  (stores) => {
    it.each(Object.entries(mixes))('no call reads more than it may of %s', async (_what, sizes) => {
      const entry = (size: number, i: number) => numbered(i, { error: 'x'.repeat(Math.max(1, size - 200)) });
      const entries = sizes.map(entry);
      for (let i = 0; i < entries.length; i += 20)
        await stores.db.rpush(stores.keys.failed, ...entries.slice(i, i + 20));
      const lengths = entries.map((one) => one.length);
      const list = { kind: 'failed', name: 'failed' } as const;
      const store = redisFailedBroker(stores.client(), 'resque:');
      const read = (call: () => Promise<unknown>) => bytesReadBy(stores.redis, stores.keys.failed, lengths, call);

      const limits = { most: 5_000, bytes: 8 * MB, limit: 500 };
      for (const texts of [['nobody'], ['"Job"']]) {
        let from: Awaited<ReturnType<typeof store.search>>['end'];
        let scanned = 0;
        do {
          const bytes = await read(async () => {
            const result = await store.search([list], { towards: 'head', texts, from, ...limits });
            from = result.end;
            scanned += result.scanned;
          });
          expect(bytes).toBeLessThanOrEqual(MOST);
        } while (from);
        expect(scanned).toBe(sizes.length);
      }

      for (let last = sizes.length - 1; last >= 0; ) {
        const bytes = await read(async () => {
          const { next } = await store.countFailed('failed', last, 0);
          expect(next).toBeLessThan(last);
          last = next;
        });
        expect(bytes).toBeLessThanOrEqual(MOST);
      }

      const gone = { position: sizes.length - 1, mark: '0'.repeat(40), of: 'whole' } as const;
      expect(await store.read(list, gone)).toBeUndefined();
      expect(await read(() => store.oldestFailed(500))).toBeLessThanOrEqual(MOST);
      expect(await read(() => store.failedMarks('failed', [0, 1, 2, 3, 4, 5]))).toBeLessThanOrEqual(MOST);
    });
  },
  ['TCP'],
);
