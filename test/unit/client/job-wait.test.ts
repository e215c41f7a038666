import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { waitFor } from '../../../shared/inspect/job-wait.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** A job that runs, and a Redis that tells of ends until its connection breaks. */
function worldOf(onListen?: () => void) {
  const clock = new ManualClock();
  const calls = new Set<() => void>();
  let code = 2;
  const wait = waitFor({
    clock,
    jobs: { status: async () => `{"status":${code}}` },
    ended: {
      async listen(_id, call) {
        calls.add(call);
        onListen?.();
        return () => calls.delete(call);
      },
      close() {},
    },
  });
  const told = () => {
    for (const call of calls) call();
  };
  return {
    wait,
    listening: () => calls.size,
    end() {
      code = 4;
      told();
    },
    breakConnection() {
      const lost = [...calls];
      calls.clear();
      for (const call of lost) call();
    },
  };
}

// Time stands still: nothing here happens because a pause is over.
const turns = () => new Promise((resolve) => setImmediate(resolve));

test('what broke is connected anew, and tells of the end', async () => {
  const world = worldOf();
  const wait = world.wait('a');
  await turns();
  for (let i = 0; i < 2; i++) {
    world.breakConnection();
    await turns();
    expect(world.listening()).toBe(1);
  }
  world.end();
  expect(await wait).toMatchObject({ state: 'succeeded' });
  expect(world.listening()).toBe(0);
});

test('a signal is heeded at once, also while the wait begins', async () => {
  const reason = new Error('enough');
  const meanwhile = new AbortController();
  const begun = worldOf(() => meanwhile.abort(reason));
  await expect(begun.wait('a', { signal: meanwhile.signal })).rejects.toBe(reason);
  const later = new AbortController();
  const running = worldOf();
  const wait = running.wait('a', { signal: later.signal });
  await turns();
  later.abort(reason);
  await expect(wait).rejects.toBe(reason);
  expect([begun.listening(), running.listening()]).toEqual([0, 0]);
});

test('a Redis that is silent keeps nobody waiting for longer than the timeout, nor beyond the signal', async () => {
  const clock = new ManualClock();
  let looks = 0;
  const status = () => (++looks % 2 === 1 ? Promise.resolve('{"status":2}') : new Promise<string>(() => {}));
  const wait = waitFor({ clock, jobs: { status } });
  const timed = wait('a', { timeout: '2s' });
  await turns();
  void clock.advance(2_000);
  await expect(timed).rejects.toThrow('The job a had not ended after 2000 ms: it was running.');
  const stopped = new AbortController();
  const reason = new Error('enough');
  const signalled = wait('a', { timeout: Infinity, signal: stopped.signal });
  await turns();
  stopped.abort(reason);
  await expect(signalled).rejects.toBe(reason);
  await expect(wait('a', { signal: 5 as never })).rejects.toThrow('signal must be an AbortSignal; got 5.');
});

test('a Redis that is silent from the start does neither', async () => {
  const clock = new ManualClock();
  const wait = waitFor({ clock, jobs: { status: () => new Promise<string>(() => {}) } });
  const timed = wait('a', { timeout: '1s' });
  const stopped = new AbortController();
  const signalled = wait('a', { signal: stopped.signal });
  void clock.advance(1_000);
  await expect(timed).rejects.toThrow('The job a had not ended after 1000 ms: Redis has not said how it is.');
  const reason = new Error('enough');
  stopped.abort(reason);
  await expect(signalled).rejects.toBe(reason);
});

test('a wait without end keeps nothing of the looks that it has had', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const clock = new ManualClock();
  const stop = new AbortController();
  let looks = 0;
  const status = async () => `{"status":2,"error":"${String(++looks).padEnd(200_000)}"}`;
  const wait = waitFor({ clock, jobs: { status } })('a', { timeout: Infinity, signal: stop.signal });
  await clock.advance('1m');
  collect();
  const [before, first] = [process.memoryUsage().heapUsed, looks];
  await clock.advance('10m');
  collect();
  // 120 looks found 24 MB.
  expect(looks - first).toBe(120);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000);
  stop.abort(new Error('enough'));
  await expect(wait).rejects.toThrow('enough');
});
