import type { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RedisClient } from '../../../shared/broker/redis/client.ts';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { doctorOver } from '../../../shared/client/doctor.ts';
import type { Clock } from '../../../shared/clock.ts';
import { checks } from '../../../shared/inspect/doctor/checks.ts';
import type { Examination } from '../../../shared/inspect/doctor/doctor.ts';
import type { Finding } from '../../../shared/inspect/doctor/finding.ts';
import { withBackends } from '../../helpers/backends.ts';
import { push } from '../../helpers/queue-state.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { serverTime } from '../../helpers/server-time.ts';

const JOB = '{"class":"Hello","args":[1]}';
const GONE = 'lambdesque-gone-0123456789ab:1:q';
const FUTURE = '4000000000';

interface Fault {
  readonly check: string;
  plant(db: Redis): Promise<unknown>;
  readonly severity: Finding['severity'];
  /** What the finding says. */
  readonly says: RegExp;
  readonly remedy: RegExp;
  /** What it is when it was mended; none where only a person can decide. */
  mended?(db: Redis): Promise<void>;
}

const faults: Readonly<Record<string, Fault>> = {
  'a key of another type': {
    check: 'key-types',
    plant: (db) => db.set('resque:queue:a b', 'x'),
    severity: 'error',
    says: /resque:queue:a b is a string, not a list/,
    remedy: /^redis-cli RENAME 'resque:queue:a b' 'resque:queue:a b:wrong'/,
  },
  'a dead worker of ours with jobs': {
    check: 'dead-workers',
    async plant(db) {
      await db.sadd('resque:workers', GONE);
      await db.hset(`resque:inflight:${GONE}`, 'call', 3, 'lease', 1, '0:q', JOB);
      await db.zadd('resque:leases', 1, GONE);
    },
    severity: 'error',
    says: /1 worker is dead and still registered: lambdesque-gone/,
    remedy: /workers unregister --dead/,
    async mended(db) {
      expect(await db.keys('resque:inflight:*')).toEqual([]);
      expect(await db.lrange('resque:queue:q', 0, -1)).toEqual([expect.stringContaining('"args":[1]')]);
    },
  },
  'a dead worker of Ruby': {
    check: 'dead-workers',
    async plant(db) {
      await db.sadd('resque:workers', 'ruby.example:1:q');
      await db.hset('resque:workers:heartbeat', 'ruby.example:1:q', '2020-01-01T00:00:00Z');
    },
    severity: 'warning',
    says: /ruby\.example:1:q/,
    remedy: /workers unregister/,
    async mended(db) {
      expect(await db.scard('resque:workers')).toBe(0);
    },
  },
  'jobs in flight without a lease': {
    check: 'inflight-without-lease',
    plant: (db) => db.hset(`resque:inflight:${GONE}`, 'call', 3, '0:q', JOB),
    severity: 'error',
    says: /1 record of jobs in flight without a lease, with 1 job/,
    remedy: /ZADD resque:leases NX 0 lambdesque-gone/,
    async mended(db) {
      expect(await db.exists(`resque:inflight:${GONE}`)).toBe(0);
      expect(await db.llen('resque:queue:q')).toBe(1);
    },
  },
  'a lease without jobs in flight': {
    check: 'lease-without-inflight',
    plant: (db) => db.zadd('resque:leases', 9e15, GONE),
    severity: 'warning',
    says: /1 lease without a record/,
    remedy: /redis-cli ZREM resque:leases lambdesque-gone/,
    async mended(db) {
      expect(await db.zcard('resque:leases')).toBe(0);
    },
  },
  'a serial queue that a worker holds who is gone': {
    check: 'serial-holders',
    plant: (db) => db.hset('resque:serial', 'ledger', GONE, 'free', ''),
    severity: 'error',
    says: /1 serial queue is held by workers that are gone: ledger/,
    remedy: /HSET resque:serial ledger ''/,
    async mended(db) {
      expect(await db.hgetall('resque:serial')).toEqual({ ledger: '', free: '' });
    },
  },
  'parked jobs at which nobody looks': {
    check: 'parked-jobs',
    plant: (db) => db.rpush('resque:parked:class:Report/a b', `1:q${JOB}`),
    severity: 'error',
    says: /Jobs are parked at 1 limit at which no scheduler looks: class:Report\/a b/,
    remedy: /ZADD resque:parked NX 0 'class:Report\/a b'/,
    async mended(db) {
      expect(await db.zrange('resque:parked', '0', '-1')).toEqual(['class:Report/a b']);
    },
  },
  'a class that was paused long ago': {
    check: 'paused-classes',
    async plant(db) {
      await db.hset('resque:control', 'class:Report', 'paused');
      await db.rpush('resque:parked:pause:Report', '1:q{"class":"Report","args":[],"queue_time":1700000000}');
      await db.zadd('resque:parked', FUTURE, 'pause:Report');
    },
    severity: 'warning',
    says: /1 class is paused: Report; 1 job parked, the first of them enqueued \d+ days ago/,
    remedy: /classes resume Report/,
  },
  'garbage in what workers are told': {
    check: 'limits',
    async plant(db) {
      await db.sadd('resque:queues', 'q');
      await db.hset('resque:control', { 'queue:q': '2', nonsense: 'x', 'cancel:': '1', 'class:Report': 'yes' });
    },
    severity: 'warning',
    says: /4 fields of resque:control that no worker understands: /,
    remedy: /HDEL resque:control/,
    async mended(db) {
      expect(await db.exists('resque:control')).toBe(0);
    },
  },
  'a limit of a queue that nobody knows': {
    check: 'limits',
    plant: (db) => db.hset('resque:control', 'queue:reprots', '2 - - -'),
    severity: 'notice',
    says: /1 limit of queues that had no job yet: reprots/,
    remedy: /queues limit reprots none/,
  },
  'places of workers that are gone': {
    check: 'limits',
    async plant(db) {
      await db.hset('resque:limit:class:Report', { '=gone:1:q': '3', '+abc': '1 1', r1000: '2' });
      await db.hset('resque:limit:class:Live', '=live:1:q', '3');
      await db.zadd('resque:leases', 9e15, 'live:1:q');
      await db.hset('resque:inflight:live:1:q', 'call', 1, 'lease', 9e15);
    },
    severity: 'notice',
    says: /1 limit \(limit:…\) of which nobody has a place and for which no job waits: class:Report/,
    remedy: /--fix/,
    async mended(db) {
      expect(await db.keys('resque:limit:*')).toEqual(['resque:limit:class:Live']);
    },
  },
  'records of a worker that is not registered': {
    check: 'worker-records',
    async plant(db) {
      await db.set('resque:worker:host:1:q', '{}');
      await db.set('resque:worker:host:1:q:started', 'x');
      await db.set('resque:stat:processed:host:1:q', 3);
      await db.hset('resque:workers:heartbeat', 'other:2:*', 'x');
      await db.set('resque:worker:ping:node', '{}');
    },
    severity: 'notice',
    says: /Records of 2 workers that are not registered/,
    remedy: /--fix/,
    async mended(db) {
      expect(await db.keys('resque:*')).toEqual(['resque:worker:ping:node']);
    },
  },
  'a queue that is not among the queues': {
    check: 'unknown-queues',
    plant: (db) => db.rpush('resque:queue:by hand', JOB),
    severity: 'warning',
    says: /1 queue has jobs and is not in the set of queues: by hand/,
    remedy: /SADD resque:queues 'by hand'/,
    async mended(db) {
      expect(await db.smembers('resque:queues')).toEqual(['by hand']);
    },
  },
  'a queue that nobody drains': {
    check: 'undrained-queues',
    plant: (db) => push(db, 'mail', JOB, JOB),
    severity: 'warning',
    says: /No worker looks at 1 queue with 2 jobs: mail/,
    remedy: /lambdesque work --queues mail/,
  },
  'a paused queue': {
    check: 'paused',
    async plant(db) {
      await push(db, 'mail', JOB);
      await db.sadd('resque:queues:paused', 'mail');
    },
    severity: 'notice',
    says: /1 queue is paused: mail/,
    remedy: /queues resume mail/,
  },
  'paused workers': {
    check: 'paused',
    plant: (db) => db.set('resque:pause-all-workers', 'true'),
    severity: 'warning',
    says: /All workers are paused/,
    remedy: /queues resume --all/,
  },
  'retries that nobody moves': {
    check: 'overdue',
    async plant(db) {
      await db.zadd('resque:retry', (await serverTime(db)) - 600_000, 'a:q');
      await db.hset('resque:retry:payloads', 'a:q', JOB);
    },
    severity: 'error',
    says: /Nobody moves retries: the first was due at \d{4}-/,
    remedy: /lambdesque tick/,
  },
  'a due time without list': {
    check: 'delayed-times',
    plant: (db) => db.zadd('resque:delayed_queue_schedule', Number(FUTURE), FUTURE),
    severity: 'notice',
    says: /1 due time of delayed jobs has no list: 4000000000/,
    remedy: /ZREM resque:delayed_queue_schedule 4000000000/,
    async mended(db) {
      expect(await db.zcard('resque:delayed_queue_schedule')).toBe(0);
    },
  },
  'a list of delayed jobs without its time': {
    check: 'delayed-times',
    plant: (db) => db.rpush(`resque:delayed:${FUTURE}`, JOB),
    severity: 'error',
    says: /1 list of delayed jobs is on no schedule: resque:delayed:4000000000/,
    remedy: /ZADD resque:delayed_queue_schedule NX 4000000000 4000000000/,
    async mended(db) {
      expect(await db.zrange('resque:delayed_queue_schedule', '0', '-1', 'WITHSCORES')).toEqual([FUTURE, FUTURE]);
    },
  },
  'a list of delayed jobs without its time, which has passed': {
    check: 'delayed-times',
    plant: (db) => db.rpush('resque:delayed:1000000000', JOB),
    severity: 'error',
    says: /never ran|on no schedule/,
    remedy: /LRANGE resque:delayed:1000000000 0 9/,
  },
  'an index of delayed jobs that are gone': {
    check: 'delayed-indexes',
    async plant(db) {
      await db.sadd(`resque:timestamps:${JOB}`, 'delayed:123', `delayed:${FUTURE}`);
      await db.rpush(`resque:delayed:${FUTURE}`, JOB);
      await db.zadd('resque:delayed_queue_schedule', Number(FUTURE), FUTURE);
    },
    severity: 'notice',
    says: /1 index of delayed jobs/,
    remedy: /--fix/,
    async mended(db) {
      expect(await db.smembers(`resque:timestamps:${JOB}`)).toEqual([`delayed:${FUTURE}`]);
    },
  },
  'a retry without payload': {
    check: 'retry-payloads',
    plant: (db) => db.zadd('resque:retry', 4e12, 'a:q'),
    severity: 'warning',
    says: /1 retry has no payload: a:q/,
    remedy: /ZREM resque:retry a:q/,
    async mended(db) {
      expect(await db.exists('resque:retry')).toBe(0);
    },
  },
  'a payload without its retry': {
    check: 'retry-payloads',
    plant: (db) => db.hset('resque:retry:payloads', 'b:q', JOB),
    severity: 'error',
    says: /1 payload of retries without a time: b:q/,
    remedy: /ZADD resque:retry NX 0 b:q/,
    async mended(db) {
      const [member, score] = await db.zrange('resque:retry', '0', '-1', 'WITHSCORES');
      expect(member).toBe('b:q');
      expect(Number(score)).toBeLessThanOrEqual(await serverTime(db));
      expect(Number(score)).toBeGreaterThan(1e12);
    },
  },
  'Ruby’s scheduler': {
    check: 'ruby-scheduler',
    plant: (db) => db.set('resque:resque:resque_scheduler_master_lock', 'host:1', 'EX', 180),
    severity: 'notice',
    says: /Ruby's resque-scheduler runs/,
    remedy: /stop one of them/,
  },
  'node-resque’s scheduler': {
    check: 'ruby-scheduler',
    plant: (db) => db.set('resque:resque_scheduler_leader_lock', 'host:1', 'EX', 180),
    severity: 'notice',
    says: /node-resque's scheduler runs/,
    remedy: /stop node-resque's scheduler/,
  },
  'a cron entry that nobody can read': {
    check: 'cron-entries',
    plant: (db) => db.hset('resque:persistent_schedules', 'queue-cleaner', '{"cron":"nope","class":"A","queue":"q"}'),
    severity: 'error',
    says: /1 cron entry in Redis cannot be used: queue-cleaner/,
    remedy: /cron rm queue-cleaner/,
  },
  'a cron entry that Ruby cannot read': {
    check: 'cron-entries',
    plant: (db) => db.hset('resque:persistent_schedules', 'r', '{"cron":"0 9 15W * *","class":"A"}'),
    severity: 'notice',
    says: /resque-scheduler cannot read 1 cron entry: r\./,
    remedy: /cron rm r,/,
  },
  'a cron entry that Ruby cannot read, where Ruby’s scheduler runs': {
    check: 'cron-entries',
    async plant(db) {
      await db.hset('resque:persistent_schedules', 'r', '{"cron":"0 9 15W * *","class":"A","queue":"q"}');
      await db.set('resque:resque:resque_scheduler_master_lock', 'host:1', 'EX', 180);
    },
    severity: 'error',
    says: /cannot read 1 cron entry: r/,
    remedy: /cron rm r,/,
  },
  'a very long failed list': {
    check: 'failed-list',
    plant: (db) =>
      db.eval(
        "for i = 1, 100000, 1000 do local t = {} for j = 1, 1000 do t[j] = '{}' end redis.call('RPUSH', KEYS[1], unpack(t)) end",
        1,
        'resque:failed',
      ),
    severity: 'warning',
    says: /failed has 100000 entries/,
    remedy: /failed groups/,
  },
  'a job that was held by dead workers': {
    check: 'suspects',
    plant: (db) =>
      push(db, 'mail', JOB, '{"lambdesque":{"id":"x-1","attempts":0,"deaths":2},"class":"Killer","args":[]}'),
    severity: 'warning',
    says: /1 waiting job was held by workers that died, up to 2 times: Killer/,
    remedy: /jobs find --state queued --class Killer/,
  },
  'an eviction policy': {
    check: 'eviction',
    async plant(db) {
      await db.config('SET', 'maxmemory-policy', 'allkeys-lru');
      onTestFinished(() => void db.config('SET', 'maxmemory-policy', 'noeviction'));
    },
    severity: 'error',
    says: /eviction policy is allkeys-lru/,
    remedy: /CONFIG SET maxmemory-policy noeviction/,
  },
  'memory that is nearly full': {
    check: 'memory',
    async plant(db) {
      const used = Number(/used_memory:(\d+)/.exec(await db.info('memory'))?.[1]);
      await db.config('SET', 'maxmemory', Math.round(used * 1.12));
      onTestFinished(() => void db.config('SET', 'maxmemory', 0));
    },
    severity: 'warning',
    says: /Redis uses [89]\d % of its maxmemory/,
    remedy: /CONFIG SET maxmemory/,
  },
};

const clockOf = (ms: number): Clock => ({ now: () => ms, after: () => () => {} });

withBackends((one) => {
  /** By a machine whose clock is right. */
  const examine = async (options?: { fix: boolean }, redis: RedisClient = one.client()): Promise<Examination> =>
    doctorOver(redis, 'resque:', clockOf(await serverTime(one.db))).examine(options);
  const of = (check: string, { findings }: Examination) => findings.filter((found) => found.check === check);

  test.each(Object.entries(faults))('%s is found and named, and mended where that is safe', async (_name, fault) => {
    const { check, plant, severity, says, remedy, mended } = fault;
    await plant(one.db);
    const examined = await examine();
    expect(examined.unchecked).toEqual([]);
    const [found] = of(check, examined);
    expect(found).toMatchObject({ severity, fixable: mended !== undefined });
    expect(found?.problem).toMatch(says);
    expect(found?.remedy).toMatch(remedy);
    expect(found?.meaning).not.toBe('');
    expect(found?.fixed).toBeUndefined();

    // To look changes nothing.
    const again = await examine();
    const known = ({ severity, subjects }: Finding) => ({ severity, subjects });
    expect(of(check, again).map(known)).toEqual(of(check, examined).map(known));
    const [fixed] = of(check, await examine({ fix: true }));
    expect(fixed?.fixed === undefined).toBe(mended === undefined);
    if (mended) {
      expect(fixed?.fixed).toBeGreaterThan(0);
      await mended(one.db);
      expect(of(check, await examine())).toEqual([]);
    }
  });

  test('a clock that is off', async () => {
    const now = await serverTime(one.db);
    for (const [offset, severity, says] of [
      [-10_000, 'notice', /10 seconds ahead of this machine's/],
      [300_000, 'warning', /300 seconds behind this machine's/],
    ] as const) {
      const { findings } = await doctorOver(one.client(), 'resque:', clockOf(now + offset)).examine();
      const [found] = findings.filter(({ check }) => check === 'clock');
      expect(found).toMatchObject({ severity });
      expect(found?.problem).toMatch(says);
    }
  });

  test('jobs that failed since workers died with them', async () => {
    const [seconds] = await one.db.time();
    const at = new Date(Number(seconds) * 1_000).toISOString();
    await one.db.rpush(
      'resque:failed',
      `{"failed_at":"${at}","payload":${JOB},"exception":"WorkerDiedError","error":"x","backtrace":[],"worker":"w","queue":"q"}`,
    );
    expect(of('suspects', await examine())).toMatchObject([
      {
        severity: 'warning',
        problem: expect.stringContaining('Hello'),
        remedy: expect.stringContaining('WorkerDiedError'),
      },
    ]);
  });

  test('what lives is left alone', async () => {
    const now = await serverTime(one.db);
    const live = 'lambdesque-live-0123456789ab:1:q';
    await one.db.sadd('resque:workers', live);
    await one.db.zadd('resque:leases', now + 60_000, live);
    await one.db.hset(`resque:inflight:${live}`, 'call', 1, 'lease', now + 60_000, '0:ledger', JOB);
    await one.db.hset('resque:serial', 'ledger', live);
    await one.db.set(`resque:worker:${live}`, '{}');
    await one.db.set(`resque:worker:${live}:started`, 'x');
    await push(one.db, 'q', JOB);
    const before = (await one.db.keys('*')).sort();
    const { findings } = await examine({ fix: true });
    expect(findings.filter(({ check }) => check !== 'persistence')).toEqual([]);
    expect((await one.db.keys('*')).sort()).toEqual(before);
  });

  test('reads a bounded part, and never KEYS', async () => {
    await one.db.eval("for i = 1, 30000 do redis.call('SADD', 'resque:timestamps:' .. i, 'delayed:1') end", 0);
    const inner = one.client();
    const sent: string[] = [];
    const counting: RedisClient = {
      ...inner,
      command(args) {
        sent.push(String(args[0]));
        return inner.command(args);
      },
      script(script, keys, args) {
        sent.push(script.name);
        return inner.script(script, keys, args);
      },
    };
    const examined = await examine({ fix: false }, counting);
    expect(examined.complete).toBe(true);
    expect(examined.unchecked).toEqual([]);
    expect(sent).not.toContain('KEYS');
    expect(sent.length).toBeLessThan(200);
  });
});

describe('a doctor', () => {
  test('finds nothing in a healthy Redis', async () => {
    const redis = await startRedis({ appendonly: true });
    onTestFinished(redis.stop);
    const client = tcpClient({ url: redis.url });
    onTestFinished(() => client.close());
    const examined = await doctorOver(client, 'resque:').examine();
    expect(examined).toEqual({ findings: [], unchecked: [], complete: true, checks: checks.map(({ name }) => name) });
    await redis.client.config('SET', 'appendonly', 'no');
    const { findings } = await doctorOver(client, 'resque:').examine();
    expect(findings).toMatchObject([{ check: 'persistence', problem: expect.stringContaining('Persistence is off') }]);
  });
});
