/** Chaos for all of it at once: a fleet of workers and schedulers, jobs with every outcome, and one fault after the other. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { failedJobs } from '../helpers/chaos-bed.ts';
import { RunLog } from '../helpers/chaos-log.ts';
import { Random } from '../helpers/chaos-random.ts';
import { until } from '../helpers/chaos-wait.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { outputLines } from '../helpers/supervisor.ts';
import { drained, leftKeys } from './drained.ts';
import { DECK_SIZE, type Fault, Faults, REDIS_ARGS } from './faults.ts';
import { Features, isFeature } from './features.ts';
import { Fleet } from './fleet.ts';
import { type Accounts, account, type BrokenPromise, type Violation } from './job-accounts.ts';
import { Watch } from './lease-watch.ts';
import { plan } from './plan.ts';
import { Producer } from './producer.ts';
import { excuses } from './rerun-reasons.ts';

export interface WholeOptions {
  readonly jobs: number;
  readonly seed: number;
  readonly quick: boolean;
  /** Where outputs, logs and evidence go; emptied first. */
  readonly folder: string;
  /** Told what happens. */
  readonly tell: (line: string) => void;
}

export interface WholeResult extends Accounts {
  readonly faults: ReadonlyMap<Fault, number>;
  readonly deaths: number;
  readonly log: RunLog;
  readonly fleet: Fleet;
  readonly excuses: ReturnType<typeof excuses>;
  readonly features: Features;
}

/** About so many jobs come between two faults. */
const JOBS_A_FAULT = 100;
/** Jobs with what rides on them, for each of the others. */
const FEATURES_PART = 0.15;
/** How long to wait until the workers are in the middle of what was pushed; they may be hanging all at once. */
const MIDDLE_MS = 3_000;

export async function runWhole(options: WholeOptions): Promise<WholeResult> {
  const { jobs, seed, quick, folder, tell } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'output'), { recursive: true });
  const alive = setInterval(() => {}, 1_000);
  const redis = await startRedis({ appendonly: true, args: REDIS_ARGS });
  const log = new RunLog(join(folder, 'runs.log'));
  const watch = new Watch(redis.client);
  let fleet: Fleet | undefined;
  let features: Features | undefined;
  try {
    fleet = await Fleet.start({ redis, folder, log, random: new Random(seed + 1), quick });
    const producer = new Producer(redis.client, await fleet.proxy(redis.port));
    features = new Features(redis, await fleet.proxy(redis.port), new Random(seed + 4));
    const faults = new Faults({ fleet, redis, log, random: new Random(seed + 2) });
    const planned = plan(jobs, new Random(seed));
    const random = new Random(seed + 3);

    const decks = Math.max(1, Math.round(jobs / (DECK_SIZE * JOBS_A_FAULT)));
    const rounds = decks * DECK_SIZE;
    for (let round = 0; round < rounds; round++) {
      const from = Math.round((round / rounds) * jobs);
      const to = Math.round(((round + 1) / rounds) * jobs);
      await until(() => redis.client.ping());
      await Promise.all([
        producer.push(planned.slice(from, to)),
        features.push(Math.ceil((to - from) * FEATURES_PART)),
      ]);
      const middle = log.starts + (to - from) * random.next() * 0.6;
      await until(() => log.starts > middle, { patience: MIDDLE_MS, interval: 5 });
      const fault = await faults.next();
      tell(`${round + 1}/${rounds} ${fault}; ${log.starts} starts of ${to} jobs`);
    }
    for (const proxy of fleet.proxies) proxy.calm();
    const violations: Violation[] = [];
    const wrong = (promise: BrokenPromise, found: readonly string[]) =>
      violations.push(...found.map((what) => ({ promise, what })));
    violations.push(...(await features.drained(log)));
    wrong('everything drains', await drained(redis, fleet, log));
    const unwilling = (await fleet.stop()).map(({ name, how, output }) => `${name} ended by ${how}: ${output}`);
    wrong(ENDS, [...unwilling, ...crashes(fleet)]);
    wrong('no key is left behind', await leftKeys(redis));
    await producer.close();
    await watch.stop();

    const found = excuses(fleet.lives, log.read().deaths, watch.ended);
    violations.push(...(await features.check(log, found)));
    const accounts = account({
      jobs: producer.pushed,
      runs: new Map([...log.byJob()].filter(([id]) => !isFeature(id))),
      failed: (await failedJobs(redis.client)).filter(({ text }) => !/"args":\["f-/.test(text)),
      excuses: found,
      holders: (id) => watch.held.holders(id),
      isMarked: (pid, id) => watch.held.isMarked(pid, id),
    });
    violations.push(...accounts.violations);
    const deaths = log.deaths.filter(({ how }) => how !== 'code-0').length;
    return { ...accounts, violations, faults: faults.happened, deaths, log, fleet, features, excuses: found };
  } finally {
    await watch.stop();
    await features?.close();
    await fleet?.close();
    await redis.stop();
    clearInterval(alive);
  }
}

const ENDS: BrokenPromise = 'every process ends when it is asked to, and only then';

/** A process may give up at its start, where Redis is away, or when it stood still; else nothing ends it but a signal. */
function crashes(fleet: Fleet): string[] {
  // Three tries of its first call, each of which may take the client's whole timeout.
  const AT_START_MS = 60_000;
  return fleet.all.flatMap((one) =>
    one.crashes
      .filter((life) => {
        const ran = outputLines(life).some(({ msg }) => /^job /.test(String(msg)));
        const atStart = !ran && life.how === 'code-1' && life.endedAt - life.startedAt < AT_START_MS;
        return !atStart && !life.frozen;
      })
      .map((life) => `${life.name} ended by itself, by ${life.how}: ${life.output}`),
  );
}
