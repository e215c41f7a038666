import type { Admission, AdmissionRequest, AskedGate } from '../broker/admission.ts';
import { aloneGate, classGate, flowGate, pauseGate } from '../broker/gate.ts';
import type { Clock } from '../clock.ts';
import type { JobDefinition } from '../job/define.ts';
import type { BoundJob } from '../job/registry.ts';
import { uniqueName } from '../job/unique.ts';
import { uniqueOf } from '../job/unique-options.ts';
import { limitKey, limitRule } from '../limit.ts';
import type { Gate, Job, LimitRule, RawJob } from '../types.ts';
import type { Orders } from './orders.ts';

interface GatesDeps {
  readonly clock: Clock;
  readonly orders: Orders;
  /** For definitions that do not say, ms. */
  readonly timeout: number;
  readonly isSerial: (queue: string) => boolean;
}

/** A job that has asked, and what became of it. */
export interface Admitted {
  readonly bound: BoundJob;
  readonly gates: readonly AskedGate[];
  readonly admission: Admission;
}

interface Waiting {
  readonly bound: BoundJob;
  readonly gates: readonly AskedGate[];
  /** Asked for with the sync that is under way. */
  asked: boolean;
}

/** A job that waits for its turn in its serial queue asks again after so many ms. */
const AGAIN_MS = 1_000;
/** Jobs that ask in one sync. */
const MOST_ASKED = 2_000;
/** Longer than its timeout, a place may be taken for a lease, and for what a shutdown takes. */
const BEYOND_TIMEOUT_MS = 3_600_000;

const ALONE: LimitRule = { running: 1 };
const NO_GATES: readonly AskedGate[] = [];

/**
 * Jobs that need leave to start, since a limit stands before their class, or it is paused: they have left the buffer, take
 * no place, and ask with the next sync. Those that get none are parked in Redis.
 */
export class Gates {
  readonly #deps: GatesDeps;
  readonly #rules = new WeakMap<object, LimitRule>();
  #waiting: Waiting[] = [];
  #bytes = 0;
  #againAt = Infinity;
  /** The gates that let a job through. */
  readonly #admitted = new Map<RawJob, readonly Gate[]>();

  constructor(deps: GatesDeps) {
    this.#deps = deps;
  }

  /** Jobs that wait for leave. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Of their payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When to ask, on our clock. */
  get dueAt(): number {
    return this.#waiting.length === 0 ? Infinity : this.#againAt;
  }

  /**
   * What has to let the job through; nothing for most.
   * @throws ArgumentsError for a key that fails
   */
  before({ job, handler: { definition } }: BoundJob): readonly AskedGate[] {
    const { orders, timeout } = this.#deps;
    const paused = orders.isPaused(job.class);
    const { limit, unique } = definition;
    const running = job.flow?.running;
    if (!paused && limit === undefined && unique === undefined && job.control === undefined && running === undefined) {
      return NO_GATES;
    }
    if (this.#admitted.has(job.raw)) return NO_GATES;
    const longest = definition.timeout ?? timeout;
    const life = longest === Infinity ? undefined : Math.ceil(longest) + BEYOND_TIMEOUT_MS;
    const gates: AskedGate[] = [];
    if (paused) gates.push({ name: pauseGate(job.class), rule: {}, life: undefined, pausedClass: job.class });
    const alone = runsAlone(job, definition);
    if (alone) gates.push({ name: aloneGate(alone.name), rule: ALONE, life, refuses: !alone.later });
    if (limit) {
      const name = classGate(job.class, limitKey(job.class, limit, job.args));
      gates.push({ name, rule: this.#ruleOf(job.class, limit), life });
    }
    if (job.flow && running !== undefined) gates.push({ name: flowGate(job.flow.id), rule: { running }, life });
    return gates;
  }

  /** It ends before it asks: a place that is kept for it is another's. */
  endsBefore(bound: BoundJob): void {
    try {
      const gates = this.before(bound).filter(({ pausedClass }) => pausedClass === undefined);
      if (gates.length > 0) {
        this.#admitted.set(
          bound.job.raw,
          gates.map(({ name, rule, life }) => ({ name, rule, life, unused: true })),
        );
      }
    } catch {
      // Nobody knows which: then it had none.
    }
  }

  wait(bound: BoundJob, gates: readonly AskedGate[]): void {
    this.#waiting.push({ bound, gates, asked: false });
    this.#bytes += bound.job.raw.size;
    this.#againAt = -Infinity;
  }

  /** What to ask for now. */
  plan(): AdmissionRequest | undefined {
    if (this.#waiting.length === 0) return undefined;
    const gates = new Map<string, { readonly place: number; readonly gate: AskedGate }>();
    const jobs: AdmissionRequest['jobs'][number][] = [];
    for (const one of this.#waiting) {
      one.asked = jobs.length < MOST_ASKED;
      if (!one.asked) break;
      const places = one.gates.map((gate) => {
        const known = gates.get(gate.name) ?? { place: gates.size, gate };
        gates.set(gate.name, known);
        return known.place;
      });
      const { raw } = one.bound.job;
      jobs.push({ raw, gates: places, stays: this.#deps.isSerial(raw.queue) });
    }
    this.#againAt = Infinity;
    return { gates: [...gates.values()].map(({ gate }) => gate), jobs };
  }

  /** What became of those that asked; those that stay are not among them. */
  answered(admissions: readonly Admission[] = []): Admitted[] {
    if (admissions.length === 0) return [];
    const ended: Admitted[] = [];
    const left: Waiting[] = [];
    let i = 0;
    for (const one of this.#waiting) {
      const admission = one.asked ? (admissions[i++] ?? 'gone') : undefined;
      one.asked = false;
      if (admission === undefined || admission === 'held') {
        left.push(one);
        this.#againAt = Math.min(this.#againAt, admission ? this.#deps.clock.now() + AGAIN_MS : -Infinity);
        continue;
      }
      this.#bytes -= one.bound.job.raw.size;
      if (admission === 'admitted') {
        const limits = one.gates.filter(({ pausedClass }) => pausedClass === undefined);
        this.#admitted.set(one.bound.job.raw, limits);
      }
      ended.push({ bound: one.bound, gates: one.gates, admission });
    }
    this.#waiting = left;
    return ended;
  }

  /** The gates at which a job has places, to be given back with its outcome. */
  of(raw: RawJob): readonly Gate[] {
    return this.#admitted.size === 0 ? NO_GATES : (this.#admitted.get(raw) ?? NO_GATES);
  }

  /** It has asked, and has leave to start. */
  hasAdmitted(raw: RawJob): boolean {
    return this.#admitted.has(raw);
  }

  /** It has ended, or went back. */
  left(raw: RawJob): void {
    if (this.#admitted.size > 0) this.#admitted.delete(raw);
  }

  /** Takes those that wait and fit. */
  take(fits: (raw: RawJob, job: Job) => boolean = () => true): RawJob[] {
    if (this.#waiting.length === 0) return [];
    const raws: RawJob[] = [];
    const left: Waiting[] = [];
    for (const one of this.#waiting) {
      const { raw } = one.bound.job;
      if (one.asked || !fits(raw, one.bound.job)) {
        left.push(one);
        continue;
      }
      raws.push(raw);
      this.#bytes -= raw.size;
    }
    this.#waiting = left;
    return raws;
  }

  /** The lease was lost, and all with it. @returns how many waited */
  reset(): number {
    const { size } = this;
    this.#waiting = [];
    this.#bytes = 0;
    this.#againAt = Infinity;
    this.#admitted.clear();
    return size;
  }

  forEach(visit: (raw: RawJob) => void): void {
    for (const { bound } of this.#waiting) visit(bound.job.raw);
  }

  #ruleOf(className: string, limit: object): LimitRule {
    const known = this.#rules.get(limit) ?? limitRule(className, limit, true);
    this.#rules.set(limit, known);
    return known;
  }
}

/** The lock that a job needs while it runs: as its producer was told, or as its class is defined. @throws ArgumentsError */
function runsAlone(
  { class: name, args, control, activeJob }: Job,
  { unique }: JobDefinition,
): { readonly name: string; readonly later: boolean } | undefined {
  const lock = control?.lock;
  if (lock === false) return undefined;
  if (lock) return lock.until === 'running' ? lock : undefined;
  const checked = unique && uniqueOf(name, unique);
  if (checked?.while !== 'running') return undefined;
  return { name: uniqueName(name, checked, args, activeJob !== undefined), later: checked.onConflict === 'later' };
}
