import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createWorker } from '../../shared/index.ts';
import { silentLogger } from '../../shared/internal.ts';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { failed, inFlight, push, range } from '../helpers/queue-state.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { startSlowProxy } from '../helpers/slow-proxy.ts';
import { startUpstash } from '../helpers/upstash-server.ts';
import { type CliProcess, lambdesque } from '../helpers/worker-process.ts';

/** Limits as users have them: worker processes that are killed while they hold places. */

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

const JOBS = new URL('../helpers/limited-jobs.ts', import.meta.url).pathname;
const KILLS = 3;
/** Jobs of each class between two kills, and in all. */
const A_ROUND = 40;
const EACH = A_ROUND * KILLS;

/** What ran at once, as the jobs said it; what was killed ran until its process had ended. */
class Runs {
  readonly file = join(mkdtempSync(join(tmpdir(), 'lambdesque-limits-')), 'runs');

  get lines(): string[] {
    return existsSync(this.file) ? readFileSync(this.file, 'utf8').split('\n').slice(0, -1) : [];
  }

  ended(pid: number): void {
    appendFileSync(this.file, `x ${pid}\n`);
  }

  /** By what is limited: the most that ran at once, and the jobs that ran to their end. */
  measured(): Map<string, { most: number; done: Set<string> }> {
    const running = new Map<string, Set<string>>();
    const all = new Map<string, { most: number; done: Set<string> }>();
    for (const line of this.lines) {
      const [mark, of = '', name = '', pid = ''] = line.split(' ');
      if (mark === 'x') {
        for (const jobs of running.values()) for (const job of jobs) if (job.endsWith(` ${of}`)) jobs.delete(job);
        continue;
      }
      const jobs = running.get(of) ?? new Set();
      const seen = all.get(of) ?? { most: 0, done: new Set() };
      running.set(of, jobs);
      all.set(of, seen);
      if (mark === '+') jobs.add(`${name} ${pid}`);
      else if (jobs.delete(`${name} ${pid}`)) seen.done.add(name);
      seen.most = Math.max(seen.most, jobs.size);
    }
    return all;
  }
}

test.each([
  ['TCP', 0],
  ['REST', 60],
] as const)(
  'over %s, %i ms away: no limit is ever exceeded while workers are killed, and nothing stays parked',
  async (kind, rtt) => {
    const redis = await startRedis();
    const upstash = kind === 'REST' ? await startUpstash(redis.url) : undefined;
    const near = new URL(upstash?.url ?? redis.url);
    const proxy = rtt > 0 ? await startSlowProxy({ target: Number(near.port), rtt }) : undefined;
    if (proxy) near.port = String(proxy.port);
    const to = upstash ? ['--upstash-url', near.href, '--upstash-token', upstash.token] : ['--uri', near.href];
    const runs = new Runs();
    const work = (): CliProcess =>
      lambdesque(
        ['work', '--queues', '*', '--jobs', JOBS, '--limit', 'three=3', '--lease', '5s', '--interval', '200ms', ...to],
        { env: { JOB_LOG: runs.file } },
      );
    const scheduler = createWorker({
      url: redis.url,
      jobs: [],
      queues: 'none',
      scheduler: true,
      interval: '1m',
      log: silentLogger,
    });
    const scheduling = scheduler.run();
    try {
      const job = (name: string, ...args: unknown[]) => JSON.stringify({ class: name, args });
      const workers = [work(), work(), work()];
      for (let kill = 0; kill < KILLS; kill++) {
        const before = runs.lines.length;
        // There is always enough to do until the kill, however fast the rest was done.
        const round = range(kill * A_ROUND + 1, (kill + 1) * A_ROUND);
        const any = round.flatMap((n) => [job('Capped', n), job('Tenant', n % 2 ? 'a' : 'b', n)]);
        await push(redis.client, 'any', ...any);
        await push(redis.client, 'three', ...round.map((n) => job('Plain', n)));
        // In the middle of the work, and each time another one.
        await eventually(() => expect(runs.lines.length).toBeGreaterThan(before + A_ROUND));
        const [victim] = workers.splice(kill % workers.length, 1);
        await victim?.kill();
        runs.ended(victim?.pid ?? 0);
        workers.push(work());
      }
      await eventually(async () => {
        expect(await redis.client.llen('resque:queue:any')).toBe(0);
        expect(await redis.client.llen('resque:queue:three')).toBe(0);
        expect(await redis.client.keys('resque:parked*')).toEqual([]);
        expect(await inFlight(redis.client)).toBe(0);
      });
      for (const one of workers) await one.line(({ msg }) => msg === 'working');
      for (const one of workers) one.signal('SIGTERM');
      for (const one of workers) expect(await one.ended).toMatchObject({ code: 0 });

      const measured = runs.measured();
      for (const [of, most] of Object.entries({ class: 5, queue: 3, 'tenant-a': 2, 'tenant-b': 2 })) {
        expect(measured.get(of)?.most, of).toBeLessThanOrEqual(most);
      }
      // They did run beside each other, as far as this machine let them.
      expect(Math.max(...[...measured.values()].map(({ most }) => most))).toBeGreaterThan(1);
      // One that three of its workers were killed with is taken for the cause.
      const entries = await failed(redis.client);
      for (const { exception } of entries) expect(exception).toBe('WorkerDiedError');
      const accounted = (name: string, ...kinds: readonly string[]) =>
        kinds.reduce((sum, of) => sum + (measured.get(of)?.done.size ?? 0), 0) +
        entries.filter(({ payload }) => (payload as { class: string }).class === name).length;
      expect([
        accounted('Capped', 'class'),
        accounted('Plain', 'queue'),
        accounted('Tenant', 'tenant-a', 'tenant-b'),
      ]).toEqual([EACH, EACH, EACH]);
      // Nobody has a place any more.
      for (const key of await redis.client.keys('resque:limit:*')) {
        const fields = Object.keys(await redis.client.hgetall(key));
        expect(
          fields.filter((field) => field.startsWith('=')),
          key,
        ).toEqual([]);
      }
    } finally {
      scheduler.stop();
      await scheduling;
      await proxy?.stop();
      await upstash?.stop();
      await redis.stop();
      rmSync(join(runs.file, '..'), { recursive: true });
    }
  },
);
