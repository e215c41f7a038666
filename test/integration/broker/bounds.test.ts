import { describe, expect, it } from 'vitest';
import { from, type Reserving, withBrokers } from '../../helpers/brokers.ts';
import { seededRandom } from '../../helpers/builders.ts';
import { bytesReadBy, sum } from '../../helpers/bytes-read.ts';

const KB = 1_024;
const MB = 1_048_576;
/** A script may read so much for nothing. */
const FOR_NOTHING = 32 * MB;

/** A payload of exactly so many bytes. */
function payloadOf(size: number, deaths = 0): string {
  const record = deaths === 0 ? '' : `"lambdesque":{"id":"x","attempts":0,"deaths":${deaths}},`;
  const head = `{${record}"class":"A","args":["`;
  return `${head}${'x'.repeat(Math.max(0, size - head.length - 3))}"]}`;
}

const repeat = (count: number, ...sizes: number[]) => Array.from({ length: count }, () => sizes).flat();

/** However sizes are mixed, a script reads little more than what it hands over; it is the same script over both backends. */
withBrokers(
  (stores) => {
    const key = stores.keys.queue('q');

    async function fill(sizes: readonly number[], deaths = 0): Promise<void> {
      const payloads = new Map(sizes.map((size) => [size, payloadOf(size, deaths)]));
      await stores.db.sadd(stores.keys.queues, 'q');
      for (let i = 0; i < sizes.length; ) {
        const some: string[] = [];
        for (let bytes = 0; i < sizes.length && (bytes < 4 * MB || some.length === 0) && some.length < 5_000; i++) {
          some.push(payloads.get(sizes[i] ?? 0) ?? '');
          bytes += sizes[i] ?? 0;
        }
        await stores.db.rpush(key, ...some);
      }
    }

    /** Takes all, and holds each call to the bound. @returns the sizes of what came, call by call */
    async function takeAll(sizes: readonly number[], reserve: Partial<Reserving>): Promise<number[][]> {
      await fill(sizes);
      const worker = stores.worker();
      const calls: number[][] = [];
      let left = [...sizes];
      while (left.length > 0) {
        let handed: number[] = [];
        const bytes = await bytesReadBy(stores.redis, key, left, async () => {
          const { jobs } = await worker.sync({ reserve: from('q', reserve.count, reserve) });
          handed = jobs.map(({ size }) => size);
          expect(handed).toEqual(left.slice(0, handed.length));
        });
        expect(handed.length).toBeGreaterThan(0);
        expect(bytes - sum(handed), 'bytes that were read for nothing').toBeLessThanOrEqual(FOR_NOTHING);
        left = left.slice(handed.length);
        calls.push(handed);
      }
      return calls;
    }

    const mixes: Readonly<Record<string, readonly number[]>> = {
      'small ones, then large ones': [...repeat(34, 100), ...repeat(40, MB)],
      'large ones, then small ones': [...repeat(10, MB), ...repeat(300, 100)],
      'a large one among many small ones': repeat(10, ...repeat(40, 100), MB),
      'a small one behind each seven large ones': repeat(3, ...repeat(7, MB), 100),
      'small ones where it looks ahead, huge ones between them': [...repeat(6, 100), ...repeat(7, 8 * MB), 100],
      'ones just below and above what counts as large': repeat(30, 256 * KB - 1, 256 * KB + 1),
    };
    it.each(Object.entries(mixes))('of %s', async (_, sizes) => {
      const calls = await takeAll(sizes, { count: 5_000, bytes: MB });
      for (const sizesOf of calls) if (sizesOf.length > 1) expect(sum(sizesOf)).toBeLessThanOrEqual(MB);
    });

    it.each([1, 2])('of random sizes from 50 bytes to 4 MB (%i)', async (seed) => {
      const random = seededRandom(seed);
      const sizes = Array.from({ length: 40 }, () => Math.floor(50 * ((4 * MB) / 50) ** random()));
      await takeAll(sizes, { count: 5_000, bytes: MB });
    });

    it('reads nothing that it was not asked for', async () => {
      await fill(repeat(30, MB));
      const bytes = await bytesReadBy(stores.redis, key, repeat(30, MB), () =>
        stores.worker().sync({ reserve: from('q', 2, { bytes: 100 * MB }) }),
      );
      expect(bytes).toBeLessThanOrEqual(4 * MB);
    });

    describe('with suspects before a healthy one', () => {
      it.each([1, 2])('that are large, of %i deaths: it comes all the same, after some calls', async (deaths) => {
        await fill(repeat(40, MB), deaths);
        await stores.produce('q', payloadOf(100));
        const worker = stores.worker();
        const reserve = from('q', 10, { suspects: 0, alone: 'no' });
        let healthyAt = 40;
        for (let calls = 1; ; calls++) {
          const sizes = repeat(41, MB);
          sizes[healthyAt] = 100;
          let found = false;
          const bytes = await bytesReadBy(stores.redis, key, sizes, async () => {
            const { jobs, passedOver } = await worker.sync({ reserve });
            found = jobs.length > 0;
            healthyAt -= passedOver.forPlace + passedOver.forWorker - 1;
          });
          expect(bytes).toBeLessThanOrEqual(FOR_NOTHING);
          if (found) break;
          expect(calls).toBeLessThan(40);
        }
        expect(await stores.db.llen(key), 'none is lost').toBe(40);
      });

      it('that are many: no call looks at all of them, and it comes all the same', async () => {
        const suspects = 20_000;
        await fill(repeat(suspects, 100), 1);
        await stores.produce('q', payloadOf(60));
        const worker = stores.worker();
        for (let calls = 1; ; calls++) {
          const { jobs, passedOver } = await worker.sync({ reserve: from('q', 10, { suspects: 0, alone: 'no' }) });
          expect(passedOver.forPlace).toBeLessThanOrEqual(1_001);
          if (jobs.length > 0) break;
          expect(calls).toBeLessThan(100);
        }
        expect(await stores.db.llen(key)).toBe(suspects);
      });
    });
  },
  ['TCP'],
);
