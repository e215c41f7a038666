import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Bed, payloadOf, type Scene } from '../helpers/chaos-bed.ts';
import { until } from '../helpers/chaos-wait.ts';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { outputLines } from '../helpers/supervisor.ts';
import { startUpstash, type UpstashServer } from '../helpers/upstash-server.ts';

vi.setConfig({ testTimeout: 3 * PATIENCE, hookTimeout: PATIENCE });

/** Long after the snapshot: it is not the end of a lease that gives the jobs back. */
const LEASE = { flag: '60s', ms: 60_000 };
const JOBS = 10;

let bed: Bed;
let upstash: UpstashServer;
beforeAll(async () => {
  bed = await Bed.open();
  upstash = await startUpstash(bed.redis.url);
});
afterAll(async () => {
  await upstash.stop();
  await bed.close();
});

const backends = {
  TCP: (): string[] => [],
  REST: () => ['--upstash-url', upstash.url, '--upstash-token', upstash.token],
};

/** A line that says that Redis came back without its last writes. */
const SAYS_SO = /\b(writes|snapshot|forgot|forgotten|went back|older)\b/i;

const names = (prefix: string) => Array.from({ length: JOBS }, (_, i) => `${prefix}${i + 1}`);

interface Play {
  readonly scene: Scene;
  readonly gate: (name: string) => string;
  readonly open: (name: string) => void;
  /** Every run so far whose job's id begins so. */
  readonly runs: (prefix: string) => Scene['log']['runs'];
}

/** A worker for each backend, each with a scene of its own, before the same Redis. */
function players(): Play[] {
  return Object.entries(backends).map(([backend, flags]) => {
    const scene = bed.scene(backend);
    const gate = (name: string) => join(scene.folder, `gate-${name}`);
    scene.work(['--queues', scene.queue(), '--concurrency', '60', ...flags(), '--lease', LEASE.flag]);
    return {
      scene,
      gate,
      open: (name) => writeFileSync(gate(name), ''),
      runs: (prefix) => scene.log.read().runs.filter(({ id }) => id.startsWith(prefix)),
    };
  });
}

/** Redis is killed, and comes back as it was when SAVE was called. */
async function loseLastWrites(): Promise<void> {
  await bed.redis.kill();
  await bed.redis.start();
}

/** All of it is over, while the worker that Redis surprised lives. */
async function expectDrained({ scene }: Play): Promise<void> {
  const drained = await until(async () => (await scene.waiting()) === 0, { patience: LEASE.ms });
  expect(drained, `all jobs ran within a lease; ${await scene.waiting()} wait or are in flight`).toBe(true);
}

function expectToldOnce({ scene }: Play): void {
  expect(scene.lives.map(({ how }) => how)).toEqual([undefined]);
  const told = scene.lives.flatMap(outputLines).filter(({ msg }) => SAYS_SO.test(msg));
  expect(told.map(({ level }) => level)).toEqual([expect.stringMatching(/^(warn|error)$/)]);
}

test('jobs that were settled since the snapshot run within a lease, while those that go on are left alone', async () => {
  const plays = players();
  for (const { scene, gate } of plays) {
    await scene.push([
      ...names('flaky').map((id) => payloadOf('GatedFlaky', id, gate('settled'))),
      ...names('fail').map((id) => payloadOf('GatedFail', id, gate('settled'))),
      ...names('done').map((id) => payloadOf('Gated', id, gate('settled'))),
      ...names('kept').map((id) => payloadOf('Gated', id, gate('kept'))),
    ]);
  }
  await eventually(() => expect(plays.map(({ runs }) => runs('').length)).toEqual(plays.map(() => 4 * JOBS)));
  await bed.redis.client.save();
  for (const { open } of plays) open('settled');
  for (const { scene } of plays) await eventually(async () => expect(await scene.waiting()).toBeLessThan(4 * JOBS));
  await eventually(async () => {
    // What goes on is all that is left in flight, of both.
    for (const { scene } of plays) {
      const [key = ''] = await scene.redis.keys(`resque:inflight:*.${scene.name}*`);
      const held = Object.values(await scene.redis.hgetall(key)).filter((value) => value.includes('"args"'));
      expect(held.every((payload) => payload.includes('"kept'))).toBe(true);
    }
  });
  await loseLastWrites();

  for (const { scene, open, runs } of plays) {
    const restarted = ['flaky', 'fail', 'done'].flatMap(names);
    await until(
      () =>
        restarted.every((id) =>
          scene.log
            .byJob()
            .get(id)
            ?.some(({ attempt, end }) => end?.well || attempt === 2),
        ),
      { patience: LEASE.ms },
    );
    open('kept');
    expect(runs('kept')).toHaveLength(JOBS);
  }
  for (const play of plays) {
    await expectDrained(play);
    const { scene, runs } = play;
    const well = (id: string) =>
      scene.log
        .byJob()
        .get(id)
        ?.some(({ end }) => end?.well);
    expect([...names('flaky'), ...names('done'), ...names('kept')].filter((id) => !well(id))).toEqual([]);
    expect(runs('kept'), 'none of what goes on runs again').toHaveLength(JOBS);
    expect((await scene.failed()).map(({ id }) => id).sort()).toEqual(names('fail').sort());
    expectToldOnce(play);
    expect(await scene.end()).toEqual([]);
  }
});

test('jobs that were reserved since the snapshot are in their queue again, and run', async () => {
  const { client } = bed.redis;
  await client.set('resque:pause-all-workers', 'true');
  const plays = players();
  for (const { scene, gate } of plays) {
    await scene.push(names('late').map((id) => payloadOf('Gated', id, gate('late'))));
    await eventually(async () => expect(await scene.traces()).not.toEqual([]));
  }
  await client.save();
  await client.del('resque:pause-all-workers');
  await eventually(() => expect(plays.map(({ runs }) => runs('late').length)).toEqual(plays.map(() => JOBS)));
  await loseLastWrites();
  await client.del('resque:pause-all-workers');

  for (const play of plays) {
    play.open('late');
    await expectDrained(play);
    expect(play.runs('late').filter(({ end }) => !end?.well)).toEqual([]);
    expect(new Set(play.runs('late').map(({ id }) => id)).size).toBe(JOBS);
    expect(await play.scene.failed()).toEqual([]);
    expectToldOnce(play);
    expect(await play.scene.end()).toEqual([]);
  }
});
