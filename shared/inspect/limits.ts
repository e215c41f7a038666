import type { ControlBroker } from '../broker/control-broker.ts';
import { classGate, type GateParts, partsOfGate, pausedClassOf, pauseGate, queueGate } from '../broker/gate.ts';
import type { ListsBroker } from '../broker/lists.ts';
import { lockOfGate } from '../broker/lock-value.ts';
import type { JobsBroker } from '../broker/redis/jobs.ts';
import type { GateState, LimitsBroker } from '../broker/redis/limits.ts';
import type { ScoredMember } from '../broker/redis/scored-members.ts';
import { orNothing } from '../broker/wrong-key.ts';
import { ConfigError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import { type Limit, limitOf } from '../limit.ts';
import { shown } from '../options.ts';
import type { LimitRule } from '../types.ts';
import { badCursor, checkLimit, readBetween, writeBetween } from './cursor.ts';
import { parkedView } from './job-search.ts';
import { dateOf, type JobView, type Page } from './job-view.ts';

/** What holds jobs back at one moment. */
export interface GateInfo {
  /** Its name, such as `class:Report/acme` or `queue:reports`: what `parked` and `release` take. */
  readonly gate: string;
  /**
   * A limit of a queue, a class, or a flow; equal jobs of which one may run (`while: 'running'`); a class that is, or was, paused; a
   * lock for which jobs wait (`unique`): which job holds it `client.locks` tells, and frees it.
   */
  readonly kind: 'queue' | 'class' | 'running' | 'flow' | 'pause' | 'unique';
  /** The queue or the class; of equal jobs the name of their lock; a flow's id. */
  readonly name: string;
  /** Which kind of jobs within the class; a long one as its digest. */
  readonly key: string | undefined;
  /** What is allowed; undefined of a pause, and where only the workers know. */
  readonly limit: Limit | undefined;
  /** Places that are taken, the most first. */
  readonly holders: readonly GateHolder[];
  /** Places that are kept for parked jobs on their way through their queues. */
  readonly called: number;
  /** Jobs that were let through within the time of its rate; 0 where it has none. */
  readonly started: number;
  /** Jobs that wait for it; of a queue's limit none, since its jobs wait in the queue. */
  readonly parked: number;
  /** When the scheduler looks at them, should nothing else let them go on before; undefined where none are parked. */
  readonly lookAt: Date | undefined;
}

/** A worker with places at a gate. */
export interface GateHolder {
  /** The worker's id. */
  readonly worker: string;
  /** How many it takes of the limit. */
  readonly places: number;
  /** False of one whose lease has ended: its places are free when its jobs were given back. */
  readonly alive: boolean;
}

/** What limits, pauses and unique jobs hold back. Each method throws ConfigError for a gate that is none. */
export interface Limits {
  /**
   * Gates: limits of queues and paused classes, of defined classes with one limit for all (where `createClient` was given
   * `jobs`), and every gate with parked jobs, those first at which the scheduler looks next. Of a limit by key at which nobody
   * waits nothing is shown: nobody knows the keys. 5 commands a page.
   * @param options `cursor` of the page before; `limit` gates at the most, 1 to 1,000, 25 by default
   */
  list(options?: { readonly cursor?: string; readonly limit?: number }): Promise<Page<GateInfo>>;
  /** One gate, whether or not Redis knows it. 3 commands. */
  get(gate: string): Promise<GateInfo>;
  /**
   * Jobs that are parked at it, in the order in which they came. 1 or 2 commands.
   * @param options `cursor` of the page before; `limit` jobs at the most, 1 to 1,000, 25 by default
   */
  parked(gate: string, options?: { readonly cursor?: string; readonly limit?: number }): Promise<Page<JobView>>;
  /**
   * All that is parked at it goes back to the heads of its queues, in order, and is judged anew when it is reserved: by the
   * limit that its workers know now. No limit is exceeded; `jobs.run` starts one past it. 2 commands for each 500 jobs.
   * @returns how many
   * @throws ConfigError for that of a class which is paused: `classes.resume` gives its jobs back; and for a lock's: see `locks.free`
   * @example await client.limits.release('class:Report/acme');
   */
  release(gate: string): Promise<number>;
}

interface LimitsDeps {
  readonly limits: LimitsBroker;
  readonly control: ControlBroker;
  readonly jobs: Pick<JobsBroker, 'queueNames'>;
  readonly lists: Pick<ListsBroker, 'search'>;
  readonly registry: Registry;
}

/** A lock has one holder. */
const ONE: LimitRule = { running: 1 };
const PAGE = 25;
/** Parked jobs, and bytes of them, in one page. */
const MOST = 1_000;
const BYTES = 8_388_608;

export function createLimits({ limits, control, jobs, lists, registry }: LimitsDeps): Limits {
  /** Gates that are known whether or not jobs are parked there, in order; and what is allowed at them. */
  async function named(): Promise<{
    readonly names: readonly string[];
    readonly rules: ReadonlyMap<string, LimitRule>;
  }> {
    const rules = new Map([...(await control.limits())].map(([queue, rule]) => [queueGate(queue), rule]));
    const queues = (await jobs.queueNames()).map(queueGate).filter((gate) => !rules.has(gate));
    const classes = registry.definitions.flatMap(({ class: name, limit }) =>
      limit && !limit.key && !name.endsWith('*') ? [classGate(name, '')] : [],
    );
    const paused = (await control.pausedClasses()).map(pauseGate);
    // A queue whose limit only its workers know has one in Redis while its jobs run.
    const states = await limits.states(queues, rules);
    const running = queues.filter((_, i) => states[i]?.known);
    return { names: [...new Set([...rules.keys(), ...running, ...classes, ...paused])].sort(), rules };
  }

  async function infos(
    gates: readonly string[],
    rules: ReadonlyMap<string, LimitRule>,
    scores: ReadonlyMap<string, number>,
  ): Promise<GateInfo[]> {
    const states = await limits.states(gates, rules);
    return gates.flatMap((gate, i) => {
      const [parts, state] = [partsOfGate(gate), states[i]];
      return parts && state ? [infoOf(gate, parts, state, scores.get(gate))] : [];
    });
  }

  return {
    async list({ cursor = '', limit = PAGE } = {}) {
      checkLimit(limit);
      const { names, rules } = await named();
      const place = readPlace(cursor);
      const first = place.behind ? [] : names.filter((name) => name > place.name).slice(0, limit);
      const known = new Set(names);
      const scores = new Map<string, number>();
      const found = [...first];
      let behind = place.behind;
      let more = found.length === limit;
      while (found.length < limit) {
        const some = (await orNothing(limits.parkedGates(behind, limit - found.length))) ?? [];
        more = some.length > 0;
        if (!more) break;
        behind = some.at(-1);
        for (const { name, score } of some) {
          scores.set(name, score);
          if (!known.has(name)) found.push(name);
        }
      }
      const next = behind ? `${behind.score}:${behind.name}` : `:${found.at(-1) ?? ''}`;
      return { items: await infos(found, rules, scores), cursor: more ? next : undefined };
    },

    async get(gate) {
      checkGate(gate);
      const rules = new Map([...(await control.limits())].map(([queue, rule]) => [queueGate(queue), rule]));
      const at = await limits.lookAt(gate);
      const [info] = await infos([gate], rules, new Map(at === undefined ? [] : [[gate, at]]));
      if (!info) throw noGate(gate);
      return info;
    },

    async parked(gate, { cursor, limit = PAGE } = {}) {
      checkGate(gate);
      checkLimit(limit);
      const { found, end } = await lists.search([{ kind: 'parked', name: gate }], {
        towards: 'tail',
        from: cursor === undefined ? undefined : readBetween(cursor),
        texts: [],
        most: MOST,
        bytes: BYTES,
        limit,
      });
      return { items: found.map(parkedView), cursor: end && writeBetween(end) };
    },

    async release(gate) {
      checkGate(gate);
      const paused = pausedClassOf(gate);
      if (paused !== undefined && (await control.pausedClasses()).includes(paused)) {
        throw new ConfigError(`release: the class ${paused} is paused. Resume it, which gives its jobs back.`);
      }
      const lock = lockOfGate(gate);
      if (lock !== undefined) {
        throw new ConfigError(
          `release: what is parked at ${gate} waits for the lock of another job. Free that with client.locks.free(${JSON.stringify(lock)}), or lambdesque locks free.`,
        );
      }
      return limits.release(gate);
    },
  };
}

function infoOf(gate: string, parts: GateParts, state: GateState, score: number | undefined): GateInfo {
  const { rule, holders, called, passed, parked } = state;
  return {
    gate,
    ...parts,
    limit: limitOf(
      parts.kind === 'unique'
        ? ONE
        : parts.kind === 'pause' || (rule && !rule.running && !rule.rate)
          ? undefined
          : rule,
    ),
    holders: holders.map(({ worker, places, runs }) => ({ worker, places, alive: runs })),
    called,
    started: passed,
    parked,
    lookAt: score === undefined || parked === 0 ? undefined : dateOf(score),
  };
}

/** `<score>:<gate>` behind a gate with parked jobs, `:<gate>` behind one of those that are named. */
function readPlace(cursor: string): { readonly name: string; readonly behind: ScoredMember | undefined } {
  if (cursor === '') return { name: '', behind: undefined };
  const at = cursor.indexOf(':');
  const [score, name] = [cursor.slice(0, at), cursor.slice(at + 1)];
  if (at === -1 || Number.isNaN(Number(score))) throw badCursor(cursor);
  return { name, behind: score === '' ? undefined : { name, score: Number(score) } };
}

/** @throws ConfigError */
function checkGate(gate: unknown): void {
  if (typeof gate !== 'string' || !partsOfGate(gate)) throw noGate(gate);
}

function noGate(gate: unknown): ConfigError {
  return new ConfigError(
    `A gate is named such as "class:Report", "class:Report/acme", "queue:reports", "pause:Report" or "unique:…", as client.limits.list shows it; got ${shown(gate)}.`,
  );
}
