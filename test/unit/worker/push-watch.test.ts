import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SyncReply } from '../../../shared/broker/broker.ts';
import type { QueueWatchEvents } from '../../../shared/broker/queue-watch.ts';
import { RedisReplyError, RedisUnavailableError } from '../../../shared/errors.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { PushWatch } from '../../../shared/worker/push-watch.ts';
import { QueuePoller } from '../../../shared/worker/queue-poller.ts';
import { rawJob, syncReply } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

const INTERVAL = 5_000;

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A worker's looks, and a Redis that tells of what the test says. */
function scene(queues = 'a,b') {
  const clock = new ManualClock();
  const log = recordingLogger();
  const poller = new QueuePoller(parseQueues(queues), INTERVAL);
  /** What was asked to be watched, `names` for the names of all queues. */
  const asked: string[] = [];
  /** Queues that have jobs. */
  const full = new Set<string>();
  /** What the next attempts to connect, or to watch, say. */
  const errors: Error[] = [];
  let opened = 0;
  let wakes = 0;
  let events: QueueWatchEvents | undefined;
  const open = async (told: QueueWatchEvents) => {
    const [error] = errors.splice(0, 1);
    if (error) throw error;
    opened++;
    events = told;
    return {
      async watch(names: readonly string[], all: boolean, orders: boolean) {
        asked.push(...names, ...(all ? ['names'] : []), ...(orders ? ['orders'] : []));
        return names.some((name) => full.has(name));
      },
      close() {
        if (events === told) events = undefined;
      },
    };
  };
  const holds = { jobs: false };
  let asks = 0;
  const watch = new PushWatch(open, {
    ...{ poller, clock, log, interval: INTERVAL },
    wake: () => void wakes++,
    isHolding: () => holds.jobs,
    ask: () => void asks++,
  });
  /** One look of the worker. */
  const look = async (found: Partial<SyncReply> = {}) => {
    const where = poller.where(10, clock.now());
    const reply = syncReply(found);
    poller.looked(where, reply, clock.now());
    watch.looked(where, reply);
    await clock.advance(0);
  };
  return {
    ...{ clock, log, poller, watch, asked, full, errors, look, holds },
    asks: () => asks,
    rests: () => poller.restUntil === Infinity,
    looks: () => poller.restUntil === 0,
    opened: () => opened,
    wakes: () => wakes,
    tell: (changed: readonly string[], names = false) => events?.changed(changed, names, false),
    order: () => events?.changed([], false, true),
    lose: () => events?.lost(),
    take: () => asked.splice(0),
  };
}

test('a worker that has jobs and says nothing is told of orders, each time; one without jobs is not', async () => {
  const { look, watch, poller, clock, holds, take, asks, order, looks } = scene();
  await look();
  await clock.advance(1_000);
  expect(take()).toEqual(['a', 'b']);
  holds.jobs = true;
  poller.reset();
  watch.looked(undefined, syncReply());
  await clock.advance(900);
  watch.looked(undefined, syncReply());
  await clock.advance(900);
  expect(take(), 'not while it asks').toEqual([]);
  await clock.advance(100);
  expect(take()).toEqual(['orders']);
  expect(asks(), 'what was ordered before').toBe(1);
  poller.reset();
  order();
  expect(asks()).toBe(2);
  watch.looked(undefined, syncReply());
  await clock.advance(1_000);
  expect(take()).toEqual(['orders']);
  watch.looked(undefined, syncReply());
  await clock.advance(1_000);
  expect(take(), 'watched already').toEqual([]);
  expect(looks(), 'that is not for jobs').toBe(true);
  watch.close();
});

describe('a worker that found nothing', () => {
  test('is told of pushes, and does not look until then', async () => {
    const { look, rests, looks, tell, take } = scene();
    await look();
    expect(take()).toEqual(['a', 'b']);
    expect(rests()).toBe(true);
    tell(['b']);
    expect(looks()).toBe(true);
    await look({ jobs: [rawJob('{}', { queue: 'b' })] });
    await look();
    expect(take(), 'only what is not watched any more').toEqual(['b']);
    expect(rests()).toBe(true);
  });

  test('looks again where a job came before its queue was watched', async () => {
    const { look, full, looks, rests, take } = scene();
    full.add('a');
    await look();
    expect(looks()).toBe(true);
    take();
    await look();
    expect(take(), 'whatever it is that is in there').toEqual([]);
    expect(rests()).toBe(true);
  });

  test('hears of new queues, and reads their names', async () => {
    const { look, poller, looks, rests, tell, take, clock } = scene('*');
    await look({ queues: ['x'] });
    await look();
    await look({ queues: ['x'] });
    expect(take()).toEqual(['x', 'names']);
    expect(looks(), 'one that came before').toBe(true);
    await look({ queues: ['x'] });
    expect(rests()).toBe(true);
    tell([], true);
    expect(poller.where(10, clock.now()).listQueues).toBe(true);
    await look({ queues: ['x', 'y'] });
    await look();
    await look({ queues: ['x', 'y'] });
    expect(take()).toEqual(['y', 'names']);
    await look({ queues: ['x', 'y'] });
    expect(rests()).toBe(true);
    tell(['y']);
    await look({ jobs: [rawJob('{}', { queue: 'y' })] });
    await look();
    expect(rests(), 'no need to read names that are watched').toBe(true);
  });

  test('goes on looking where paused or held queues are among its own, of which it is not told', async () => {
    const { look, poller, clock, take } = scene('a,b,c');
    const serial = [{ queue: 'c', more: false }];
    await look({ pausedQueues: ['b', 'another'], heldElsewhere: true, serial });
    expect(take()).toEqual(['a']);
    expect(poller.restUntil).toBe(clock.now() + INTERVAL);
    await look({ paused: true });
    expect(take(), 'all are paused').toEqual([]);
    await look({ passedOver: { forPlace: 1, forWorker: 0 } });
    expect(take(), 'suspects, which each look moves').toEqual([]);
    await look();
    expect(take()).toEqual(['b', 'c']);
    expect(poller.restUntil).toBe(Infinity);
  });
});

describe('of several that wait', () => {
  test('one that found nothing stands back, asks, and looks only if something is left', async () => {
    const { look, tell, take, clock, looks, rests, full, wakes } = scene();
    await look();
    tell(['a']);
    await look();
    tell(['a']);
    expect(looks(), 'once, it may have been itself').toBe(true);
    await look();
    take();
    const before = wakes();
    tell(['a']);
    expect(take()).toEqual([]);
    await clock.advance(4);
    expect(take()).toEqual(['a']);
    expect(rests()).toBe(true);
    expect(wakes(), 'another one had it').toBe(before);
    full.add('a');
    tell(['a']);
    await clock.advance(4);
    expect(looks()).toBe(true);
    await look({ jobs: [rawJob('{}', { queue: 'a' })] });
    full.clear();
    await look();
    tell(['a']);
    expect(looks(), 'the one that had the last job is first').toBe(true);
  });
});

test('jobs that nobody can take, such as those behind a limit, are looked at less and less often', async () => {
  const { look, tell, clock, wakes, full } = scene();
  full.add('a');
  await look({ overLimit: { ms: 5_000 } });
  const before = wakes();
  for (let ms = 0; ms < 5_000; ms++) {
    tell(['a']);
    const woken = wakes();
    await clock.advance(1);
    if (wakes() > woken) await look({ overLimit: { ms: 5_000 } });
  }
  expect(wakes() - before).toBeLessThan(30);
});

describe('a Redis that does not tell', () => {
  test('because it refuses to: said once, and looked at each interval', async () => {
    const { look, errors, poller, clock, log, opened } = scene();
    errors.push(new RedisReplyError('ERR unknown subcommand'));
    await look();
    expect(poller.restUntil).toBe(clock.now() + INTERVAL);
    await clock.advance(INTERVAL);
    await look();
    expect(opened()).toBe(0);
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatchObject({ level: 'warn', message: expect.stringMatching(/looked for each interval/) });
  });

  test('because it cannot be reached: tried again at once, then said, and tried again with each look', async () => {
    const { look, errors, rests, log, clock, wakes } = scene();
    errors.push(...Array.from({ length: 4 }, () => new RedisUnavailableError('no more clients')));
    for (const [woken, said] of [
      [1, 0],
      [2, 0],
      [2, 1],
      [2, 1],
    ]) {
      expect(rests()).toBe(false);
      await look();
      expect([wakes(), log.lines.length]).toEqual([woken, said]);
      await clock.advance(INTERVAL);
    }
    await look();
    expect(rests()).toBe(true);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  test('because its connection broke while it was made: made anew at once', async () => {
    const { look, errors, rests, log, clock, wakes } = scene();
    errors.push(new RedisUnavailableError('closed'));
    const began = clock.now();
    await look();
    expect(wakes()).toBe(1);
    await look();
    expect(rests()).toBe(true);
    expect(clock.now()).toBe(began);
    expect(log.lines).toEqual([]);
  });

  test('any more, since the connection broke: looked at, and connected anew', async () => {
    const { look, lose, rests, wakes, opened, take, log } = scene();
    await look();
    take();
    lose();
    expect(rests()).toBe(false);
    expect(wakes()).toBe(1);
    await look();
    expect(opened()).toBe(2);
    expect(take()).toEqual(['a', 'b']);
    expect(log.lines).toEqual([]);
  });

  test('without a word: found out by the jobs that looks meet, and looked at in the end', async () => {
    const { look, clock, opened, log, tell, rests } = scene();
    const met = { jobs: [rawJob('{}', { queue: 'a' })] };
    await look();
    await look(met);
    tell(['a']);
    await clock.advance(2_000);
    expect(opened(), 'it came a moment later').toBe(1);
    for (let times = 1; times <= 3; times++) {
      await look();
      await look(met);
      await clock.advance(2_000);
      await look();
      expect(opened()).toBe(Math.min(3, times + 1));
    }
    expect(rests()).toBe(false);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn']);
  });

  test('one that has ended is told of nothing', async () => {
    const { look, watch, tell, wakes } = scene();
    await look();
    watch.close();
    tell(['a']);
    expect(wakes()).toBe(0);
    await look();
    expect(wakes()).toBe(0);
  });
});
