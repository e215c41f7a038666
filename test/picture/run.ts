import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keysOf } from '../../shared/broker/keys.ts';
import { createClient, createWorker, defineJob, SkipRetry } from '../../shared/index.ts';
import { silentLogger } from '../../shared/internal.ts';
import { openBrowser, openTab } from '../helpers/dashboard/browser.ts';
import { openSite } from '../helpers/dashboard/site.ts';
import { startRedis } from '../helpers/redis-server.ts';

/** `npm run picture`: the picture of the dashboard that the README shows, of a made-up shop on a Redis of its own. */

const FILE = join(import.meta.dirname, '../../functions/dashboard/picture.png');
const MINUTE = 60_000;
const DAY = 86_400_000;

const redis = await startRedis();
const stop = Promise.withResolvers<void>();
const jobs = [
  defineJob({ class: 'Receipt', queue: 'mailers', perform() {} }),
  defineJob({
    class: 'Invoice',
    queue: 'billing',
    perform([number]) {
      throw new SkipRetry(`invoice ${number}: the customer has no VAT number`);
    },
  }),
  defineJob({
    class: 'StockSync',
    queue: 'sync',
    retry: { attempts: 5, backoff: 600 },
    perform() {
      throw new Error('warehouse.example.com answered 503');
    },
  }),
  defineJob({ class: 'VideoPreview', queue: 'media', perform: () => stop.promise }),
];
const client = createClient({ url: redis.url, jobs, metadata: true });
const worker = createWorker({
  url: redis.url,
  jobs,
  queues: ['mailers', 'billing', 'sync', 'media'],
  interval: '50ms',
  log: silentLogger,
});
let left = 10;
const ended = Promise.withResolvers<void>();
for (const outcome of ['failed', 'retried'] as const) worker.on(outcome, () => --left === 0 && ended.resolve());
for (let i = 0; i < 4; i++) await client.enqueue('Invoice', [20_417 + i]);
for (let i = 0; i < 6; i++) await client.enqueue('StockSync', [`sku-${i}`]);
for (let i = 0; i < 3; i++) await client.enqueue('VideoPreview', [`clip-${i}.mp4`]);
const running = worker.run();
await ended.promise;
for (let i = 0; i < 137; i++) await client.enqueue('Thumbnail', [`image-${i}.png`], { queue: 'thumbnails' });
for (let i = 0; i < 12; i++) await client.enqueue('Receipt', [`order-${i}`], { in: (i + 1) * 600_000 });
await redis.client.sadd('resque:queues', 'search', 'webhooks');

/** The same each time: x in 0 to 1, by place. */
const noise = (at: number) => Math.abs(Math.sin(at * 12.9898) * 43_758.5453) % 1;
const keys = keysOf('resque:');
const [seconds] = await redis.client.time();
const now = Number(seconds) * 1000;
const note = async (key: string, [succeeded, failed, retried]: readonly number[]) => {
  const sums = [succeeded, failed, retried, 0, (succeeded ?? 0) * 42_000, (succeeded ?? 0) * 180, succeeded];
  await redis.client.hset(key, '["mailers","Receipt"]', sums.map((one) => Math.round(one ?? 0)).join(' '));
};
for (let i = 1; i < 180; i++) {
  const rate = 240 + 120 * Math.sin(i / 25) + 60 * noise(i);
  const trouble = i > 40 && i < 62 ? 30 * noise(i + 7) : 0;
  await note(keys.stats.minute(now - i * MINUTE), [rate, trouble / 3, trouble]);
}
for (let i = 1; i < 90; i++) {
  const weekend = new Date(now - i * DAY).getUTCDay() % 6 === 0 ? 0.4 : 1;
  await note(keys.stats.day(now - i * DAY), [
    310_000 * weekend * (0.85 + 0.3 * noise(i)),
    900 * noise(i + 3),
    14_000 * noise(i + 5),
  ]);
}
await redis.client.mset('resque:stat:processed', '25841907', 'resque:stat:failed', '40213');

const site = await openSite(redis);
const browser = await openBrowser();
try {
  const { page, complaints } = await openTab(browser, site.url, {
    viewport: { width: 1100, height: 780 },
    deviceScaleFactor: 1,
  });
  await page.goto('/');
  await page.waitForSelector('#by-day canvas');
  const picture = await page.screenshot({ type: 'png' });
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  writeFileSync(FILE, picture);
  console.log(`${FILE}: ${Math.round(picture.length / 1000)} kB`);
} finally {
  await browser.close();
  stop.resolve();
  worker.stop();
  await running;
  await site.stop();
  await client.close();
  await redis.stop();
}
