import { describe, expect, test } from 'vitest';
import { createEnqueuer } from '../../../shared/client/enqueuer.ts';
import { defineJob } from '../../../shared/index.ts';
import { uniqueName } from '../../../shared/job/unique.ts';
import { type Brokers, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { Gate, startWorker } from '../../helpers/workers.ts';
import { type Kind, spoil, wrongKindsOf } from '../../helpers/wrong-keys.ts';

/** Keys of limits, locks, pauses and records that somebody has made something else of: told, stepped over, and no job is lost by it. */

type Right = Parameters<typeof wrongKindsOf>[0];

const ID = 'd96d3448e98b29aace86a5474d84fe78';
const HOUR = 3_600_000;

withBrokers((stores: Brokers) => {
  const { keys } = stores;
  const lock = uniqueName('Held', { by: 'args' }, [2]);
  const rows: readonly (readonly [name: string, key: string, right: Right])[] = [
    ['limit:<gate> of a class', keys.limit('class:Limited'), 'hash'],
    ['limit:<gate> of a queue', keys.limit('queue:narrow'), 'hash'],
    ['parked:<gate>', keys.parkedAt('class:Limited'), 'list'],
    ['parked', keys.parked, 'sorted set'],
    ['control', keys.control, 'hash'],
    ['unique:<name>', keys.unique(lock), 'string'],
    ['parked:unique:<name>', keys.parkedAt(`unique:${lock}`), 'list'],
    ['job:<id>:status', keys.jobStatus(ID), 'string'],
    ['flows:lost', keys.flowsLost, 'list'],
  ];

  /** Jobs of every kind; what has run, and the gate at which the first of a limited class stands. */
  async function scene() {
    const ran: string[] = [];
    const first = new Gate();
    let begun = 0;
    const note = (name: string) => async (args: readonly unknown[]) => {
      if (name === 'Limited' && begun++ === 0) await first.opened;
      ran.push(`${name} ${args[0]}`);
    };
    const Limited = defineJob({ class: 'Limited', limit: { running: 1 }, perform: note('Limited') });
    const Held = defineJob({
      class: 'Held',
      queue: 'q',
      unique: { onConflict: 'later' },
      track: true,
      perform: note('Held'),
    });
    const Plain = defineJob({ class: 'Plain', perform: note('Plain') });
    const jobs = [Limited, Held, Plain];
    const payload = (name: string, n: number) => JSON.stringify({ class: name, args: [n], id: ID, queue_time: 1 });
    await stores.produce('q', ...[1, 2, 3].map((n) => payload('Limited', n)), payload('Plain', 1));
    await stores.produce('narrow', payload('Plain', 2), payload('Plain', 3));
    const client = createEnqueuer({ store: stores.store, now: redisTime.now, wallClock: redisTime.now });
    await client.enqueue(Held, [2]);
    await client.enqueue(Held, [2], { queue: 'q' });
    await stores.db.set(keys.jobStatus(ID), '{"status":1,"updated":1,"started":1,"result":null}');
    await stores.db.rpush(keys.flowsLost, `=r 1:q"id":"${ID}","queue_time":1,"control":{"keep":60}}`);
    const options = { limits: { narrow: { running: 1 } }, interval: 1_000 } as const;
    const work = () => startWorker({ store: stores.store, jobs, queues: 'q,narrow', options });
    return { ran, first, work };
  }
  const ALL = ['Held 2', 'Held 2', 'Limited 1', 'Limited 2', 'Limited 3', 'Plain 1', 'Plain 2', 'Plain 3'];

  async function untilAllRan(worker: ReturnType<typeof startWorker>, ran: readonly string[]) {
    await eventually(async () => {
      worker.clock.move(1_000);
      redisTime.move(1_000);
      await stores.tick();
      expect(ran.toSorted(), JSON.stringify(worker.log.lines.slice(-3))).toEqual(ALL);
    });
    worker.stop();
    await worker.ended;
    expect(await stores.db.exists(keys.queue('q'), keys.queue('narrow'))).toBe(0);
    expect(await stores.db.llen(keys.failed)).toBe(0);
    await stores.db.flushall();
  }

  const table = rows.flatMap(([name, key, right]) =>
    wrongKindsOf(right).map((kind): [string, Kind, string, Right] => [name, kind, key, right]),
  );
  describe.each(table)('%s that is a %s', (_name, kind, key, right) => {
    test('is told by its name, the other jobs run, and all have when it is mended', async () => {
      const { ran, first, work } = await scene();
      const mend = await spoil(stores.db, key, kind);
      const worker = work();
      const log = recordingLogger();
      first.open();
      await eventually(async () => {
        worker.clock.move(500);
        await stores.tick(log);
        expect(ran, JSON.stringify(worker.log.lines.slice(-3))).toContain('Plain 1');
        const told = JSON.stringify([...worker.log.lines, ...log.lines]);
        expect(told).toContain(key);
      });
      // Parked jobs are put back; of all else nothing is needed.
      if (right === 'list') await mend();
      else await stores.db.del(key);
      redisTime.move(HOUR);
      await untilAllRan(worker, ran);
    });
  });

  test.each([
    [
      'limit:<gate>',
      (): Promise<unknown> =>
        stores.db.hset(keys.limit('class:Limited'), { '=x': 'no', '+y': 'z', rule: 'none', '': '' }),
    ],
    ['limit:<gate> of a queue', () => stores.db.hset(keys.limit('queue:narrow'), { '=': '-1', r1: 'x', r: '9e99' })],
    [
      'control',
      () =>
        stores.db.hset(keys.control, {
          'queue:narrow': 'many',
          'class:': '',
          'cancel:': 'x',
          'cancel:y': '1',
          '': '\0',
        }),
    ],
    [
      'parked',
      () => stores.db.zadd(keys.parked, 1, 'unique:', 2, '\0', 3, 'no gate', Number.NEGATIVE_INFINITY, 'class:Limited'),
    ],
    ['parked:<gate>', () => stores.db.rpush(keys.parkedAt('class:Limited'), '', '9:', 'x', '-1:q{}')],
    ['unique:<name>', () => stores.db.set(keys.unique(lock), 'garbage', 'PX', 300)],
    ['parked:unique:<name>', () => stores.db.lpush(keys.parkedAt(`unique:${lock}`), 'garbage')],
    ['job:<id>:status', () => stores.db.set(keys.jobStatus(ID), 'garbage')],
    [
      'flows:lost',
      () => stores.db.lpush(keys.flowsLost, '', '=', '=r 9999:q', '=x 1:q{}', '{"id":7}', '=d 1:q{"id":"'),
    ],
  ] as const)('%s with garbage in it: all jobs run once', async (_name, spoilIt) => {
    const { ran, first, work } = await scene();
    await spoilIt();
    const worker = work();
    first.open();
    await eventually(() => {
      worker.clock.move(500);
      expect(ran).toContain('Plain 1');
    });
    // What waits for a lock that is nobody's any more waits until that has ended, a day at the most.
    redisTime.move(25 * HOUR);
    await untilAllRan(worker, ran);
  });
});
