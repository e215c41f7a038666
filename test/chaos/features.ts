/** What rides on jobs, in the middle of all faults: limits, locks, status records, flows, batches, a paused class, cancelled jobs. */
import { type Client, chain, createClient, group, step } from '../../shared/index.ts';
import { failedJobs } from '../helpers/chaos-bed.ts';
import { FEATURES, type FeatureClass, featureJobs, RUNNING } from '../helpers/chaos-feature-jobs.ts';
import type { Run, RunLog } from '../helpers/chaos-log.ts';
import type { FaultyProxy } from '../helpers/chaos-proxy.ts';
import type { Random } from '../helpers/chaos-random.ts';
import { until } from '../helpers/chaos-wait.ts';
import type { TestRedis } from '../helpers/redis-server.ts';
import { checkReruns, type Violation } from './job-accounts.ts';
import type { Excuse } from './rerun-reasons.ts';

/** Every id of theirs begins so. */
const PREFIX = 'f-';
export const isFeature = (id: string | undefined) => id?.startsWith(PREFIX) === true;

const KINDS = { Limited: 30, Unique: 20, Tracked: 10, Row: 15, Pausable: 10, Cancelled: 10, flow: 5 } as const;
const KEYS = ['x', 'y', 'z'] as const;

interface Pushed {
  readonly class: FeatureClass;
  /** In the log. */
  readonly id: string;
  readonly key: string;
  /** In Redis. */
  readonly job: string | undefined;
  /** An equal job was there, or it was cancelled: it need not run. */
  readonly mayNotRun: boolean;
}

interface PushedFlow {
  readonly id: string;
  /** Ids of its steps in the log: each comes when all of the one before have ended. */
  readonly stages: readonly (readonly string[])[];
}

export class Features {
  /** Of which Redis said that it has them. */
  readonly #pushed: Pushed[] = [];
  readonly #flows: PushedFlow[] = [];
  readonly #redis: TestRedis;
  readonly #client: Client;
  readonly #random: Random;
  #count = 0;
  #paused = false;

  constructor(redis: TestRedis, proxy: FaultyProxy, random: Random) {
    this.#redis = redis;
    this.#random = random;
    this.#client = createClient({
      url: `redis://127.0.0.1:${proxy.port}`,
      jobs: featureJobs(() => {}),
      metadata: true,
    });
  }

  /** So many more, of every kind. What Redis did not answer need not be there. */
  async push(count: number): Promise<void> {
    const random = this.#random;
    const planned = Array.from({ length: count }, () => {
      return {
        kind: random.weighted(KINDS),
        id: `${PREFIX}${++this.#count}`,
        key: random.pick(KEYS),
        ms: random.int(1, 40),
      };
    });
    const pausing = random.next() < 0.3;
    const tries = planned.map(({ kind, id, key, ms }) =>
      kind === 'flow' ? this.#startFlow(id, ms) : this.#enqueue(kind, id, key, ms),
    );
    await Promise.allSettled(tries);
    if (this.#paused) await this.#setPaused(false);
    else if (pausing) await this.#setPaused(true);
  }

  /** Nothing is paused any more, and what waited for that has ended. @returns what is left when nothing happens any more */
  async drained(log: RunLog): Promise<Violation[]> {
    const { client } = this.#redis;
    const left = async () => {
      // Whoever sends it may be cut off.
      if (this.#paused) await this.#setPaused(false);
      const [queued, parked, lost] = await Promise.all([
        client.llen(`resque:queue:${FEATURES}`),
        client.zcard('resque:parked'),
        client.llen('resque:flows:lost'),
      ]);
      const states = await Promise.all(this.#flows.map(({ id }) => this.#state(id)));
      return { queued, parked, lost, flows: states.filter((state) => state === 'running').length };
    };
    let last = await left();
    const over = await until(
      async () => {
        last = await left();
        return Object.values(last).every((count) => count === 0);
      },
      { patience: 60_000, progress: () => `${log.starts} ${JSON.stringify(last)}`, interval: 200 },
    );
    return over ? [] : [{ promise: 'everything drains', what: `of the features is left: ${JSON.stringify(last)}` }];
  }

  /** When all workers have ended. */
  async check(log: RunLog, excuses: readonly Excuse[]): Promise<Violation[]> {
    const violations: Violation[] = [];
    const wrong = (promise: Violation['promise'], what: string, id?: string) =>
      void violations.push({ promise, what, ...(id === undefined ? {} : { id }) });
    const runs = log.byJob();
    const byPid = Map.groupBy(excuses, ({ pid }) => pid);
    const failed = new Set(
      (await failedJobs(this.#redis.client)).flatMap(
        ({ text }) => /"f-\d+(?:\.\w+)?"/.exec(text)?.[0].slice(1, -1) ?? [],
      ),
    );
    const endedWell = (id: string) => runs.get(id)?.some(({ end }) => end?.well) === true;
    for (const { id, mayNotRun } of this.#pushed) {
      if (!mayNotRun && !endedWell(id) && !failed.has(id))
        wrong('none is lost', 'never ended and is not in failed', id);
      checkReruns(runs.get(id) ?? [], byPid, (promise, what) => wrong(promise, what, id));
    }
    this.#checkTogether(log, excuses, wrong);
    await this.#checkFlows(runs, failed, wrong);
    for (const { class: name, id, job } of this.#pushed) {
      if (name !== 'Tracked' || job === undefined) continue;
      const view = await this.#client.jobs.get(job).catch(() => undefined);
      if (view && view.state !== 'done' && view.state !== 'failed')
        wrong('a status record tells the end', `is ${view.state}`, id);
    }
    const { client } = this.#redis;
    const locks = [...(await client.keys('resque:unique:*')), ...(await client.keys('resque:parked:*'))];
    for (const key of locks) wrong('no lock, place or pause is left', `${key} is left`);
    for (const key of await client.keys('resque:limit:*')) {
      const holders = (await client.hkeys(key)).filter((field) => field.startsWith('='));
      if (holders.length > 0) wrong('no lock, place or pause is left', `${key} has ${holders}`);
    }
    return violations;
  }

  /** How many there were. */
  facts(): readonly (readonly [what: string, figure: number])[] {
    const of = (...names: readonly FeatureClass[]) => this.#pushed.filter((one) => names.includes(one.class));
    return [
      ['jobs with a limit', of('Limited').length],
      ['unique jobs', of('Unique').length],
      ['of these, left out for an equal one', of('Unique').filter(({ mayNotRun }) => mayNotRun).length],
      [
        'jobs with a status record, in batches, of a class that is paused, cancelled',
        of('Tracked', 'Row', 'Pausable', 'Cancelled').length,
      ],
      ['flows of six steps', this.#flows.length],
    ];
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #enqueue(name: FeatureClass, id: string, key: string, ms: number): Promise<void> {
    const { id: job, duplicate } = await this.#client.enqueue(name, [id, key, ms], { queue: FEATURES });
    const isCancelled = name === 'Cancelled';
    this.#pushed.push({ class: name, id, key, job, mayNotRun: duplicate === true || isCancelled });
    if (isCancelled && job !== undefined) await this.#client.jobs.cancel(job, 'not wanted any more');
  }

  async #startFlow(id: string, ms: number): Promise<void> {
    const of = (part: string) => step('Step', [`${id}.${part}`, '', ms], { queue: FEATURES, immutable: true });
    const node = chain(of('a'), group([of('b'), of('c'), of('d')], { running: 2 }), of('e'));
    const flow = await this.#client.flow(node, { id, onSuccess: of('s'), onFailure: of('n') }).enqueue();
    const stages = [['a'], ['b', 'c', 'd'], ['e'], ['s']].map((parts) => parts.map((part) => `${id}.${part}`));
    this.#flows.push({ id: flow.id, stages });
  }

  async #setPaused(paused: boolean): Promise<void> {
    const { classes } = this.#client;
    await (paused ? classes.pause('Pausable') : classes.resume('Pausable')).then(
      () => {
        this.#paused = paused;
      },
      // It may have been heard all the same.
      () => {
        this.#paused = true;
      },
    );
  }

  async #state(id: string): Promise<string> {
    const view = await this.#client.flows.get(id).catch(() => undefined);
    return view?.state ?? 'running';
  }

  /** Never more of a limit's key than may, never two of a lock; but for those whose worker had lost its lease. */
  #checkTogether(
    log: RunLog,
    excuses: readonly Excuse[],
    wrong: (promise: Violation['promise'], what: string, id: string) => void,
  ): void {
    const byId = new Map(this.#pushed.map((one) => [one.id, one]));
    const died = new Map(log.deaths.map(({ pid, line }) => [pid, line]));
    const lost = Map.groupBy(
      excuses.filter(({ kind }) => kind !== 'died'),
      ({ pid }) => pid,
    );
    const going = new Map<string, Set<Run>>();
    const marks = log.runs.flatMap((run) => {
      const one = byId.get(run.id);
      if (one?.class !== 'Limited' && one?.class !== 'Unique') return [];
      const endAt = run.end?.at ?? Infinity;
      const lostIt = lost.get(run.pid)?.some(({ at, late }) => at >= run.startedAt - late && at <= endAt + late);
      if (lostIt) return [];
      const name = `${one.class} ${one.key}`;
      const end = Math.min(run.end?.line ?? Infinity, died.get(run.pid) ?? Infinity);
      return [
        { line: run.line, run, name, starts: true },
        { line: end, run, name, starts: false },
      ];
    });
    for (const { run, name, starts } of marks.sort((a, b) => a.line - b.line)) {
      const set = going.get(name) ?? new Set();
      going.set(name, set);
      if (starts) set.add(run);
      else set.delete(run);
      const most = name.startsWith('Limited') ? RUNNING : 1;
      if (starts && set.size > most) {
        wrong(
          'limits and locks hold',
          `${name}: ${[...set].map(({ id, pid, startedAt }) => `${id} of ${pid} since ${startedAt}`).join(', ')} at once`,
          run.id,
        );
      }
    }
  }

  async #checkFlows(
    runs: ReadonlyMap<string, readonly Run[]>,
    failed: ReadonlySet<string>,
    wrong: (promise: Violation['promise'], what: string, id: string) => void,
  ): Promise<void> {
    const promise = 'a flow goes its way, each step and callback once';
    for (const { id, stages } of this.#flows) {
      // A step whose workers died again and again stops it.
      if (stages.flat().some((one) => failed.has(one))) continue;
      const state = await this.#state(id);
      if (state !== 'succeeded') wrong(promise, `it is ${state}`, id);
      if (runs.has(`${id}.n`)) wrong(promise, 'onFailure ran, and no step had failed', id);
      let before = -1;
      for (const stage of stages) {
        const own = stage.map((one) => runs.get(one) ?? []);
        const first = Math.min(...own.map(([run]) => run?.line ?? -1));
        if (first <= before) wrong(promise, `${stage} did not run behind the steps before`, id);
        before = Math.max(...own.map((all) => all.find(({ end }) => end?.well)?.end?.line ?? Infinity));
        if (before === Infinity) wrong(promise, `${stage} did not all end well`, id);
      }
    }
  }
}
