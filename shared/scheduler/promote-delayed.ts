import { createHash } from 'node:crypto';
import type { DelayedList, DelayedMove, DelayedMoves, MovedList, SchedulerBroker } from '../broker/broker.ts';
import type { Registry } from '../job/registry.ts';
import type { Logger } from '../log.ts';
import { destinationOf, refusedBy } from './delayed-destination.ts';
import type { Share, Step, Tick } from './step.ts';

/** Payloads moved in one share: few enough that Redis is not blocked for long. */
const AT_ONCE = 1_000;
/** And of so many bytes: they come here to be read. */
const BYTES_AT_ONCE = 1_048_576;
/** Due times that are looked at together. */
const LISTS_AT_ONCE = 100;
/** A list in which so many payloads cannot be moved is left for later. */
const MOST_STUCK = 1_000;
/** So often lists may have been changed by others before they are left to them. */
const MOST_CHANGES = 20;
/** When to look again at lists that others work on, ms. */
const AGAIN_MS = 1_000;

/**
 * The step that moves due delayed jobs to their queues, in time order. One whose queue does not take it goes to the failed
 * list; one that not even that takes stays, and so does a list that is none: the others go on.
 *
 * A tick leaves it out while Ruby's resque-scheduler runs: that reads a list before it watches it, and would push again
 * what we moved in between.
 */
export function promoteDelayedStep(store: SchedulerBroker, registry: Registry | undefined, log: Logger): Step {
  return {
    name: 'delayed',
    source: 'delayed',
    dueAt: ({ delayed }) => delayed,
    begin: (tick) => new DelayedPromotion(store, registry, log, tick).share,
  };
}

/** A due list that is worked on. */
interface OpenList {
  readonly time: string;
  /** Payloads at its start that cannot be moved. */
  passed: number;
  /** What did not take which payload, by its hash. */
  readonly refused: Map<string, Refusal>;
}

interface Refusal {
  /** Undefined where it was the failed list. */
  readonly queue: string | undefined;
  readonly error: string;
}

class DelayedPromotion {
  readonly #store: SchedulerBroker;
  readonly #registry: Registry | undefined;
  readonly #log: Logger;
  readonly #tick: Tick;
  #lists: OpenList[] = [];
  /** Due times at the start of the schedule that stay there. */
  #passed = 0;
  #changes = 0;

  constructor(store: SchedulerBroker, registry: Registry | undefined, log: Logger, tick: Tick) {
    this.#store = store;
    this.#registry = registry;
    this.#log = log;
    this.#tick = tick;
  }

  readonly share: Share = async () => {
    if (this.#lists.length === 0 && !(await this.#open())) return false;
    const found = await this.#store.readDelayed(this.#lists, AT_ONCE, BYTES_AT_ONCE);
    const plans = found.map((one, i) => this.#plan(one, this.#lists[i]));
    // An empty list is moved as well: that takes it off the schedule.
    const { queued, failed, lists, wrong } = await this.#store.promoteDelayed(plans);
    this.#tick.report(wrong);
    this.#tick.totals.promoted += queued;
    this.#tick.totals.failed += failed;
    if (queued + failed > 0) this.#noteLateness(plans);
    if (failed > 0) this.#log.error('Delayed payloads without a queue went to the failed list', { jobs: failed });
    const open = this.#lists.splice(0, lists.length);
    const still = open.filter((list, i) => {
      const moved = lists[i];
      return moved && !this.#isDone(list, plans[i], moved, found[i]);
    });
    this.#lists.unshift(...still);
    if (!lists.some((one) => one.changed)) return true;
    // Others are at work on them: what is there now is another question.
    this.#lists = [];
    this.#passed = 0;
    if (++this.#changes < MOST_CHANGES) return true;
    this.#tick.lookAgainAt(this.#tick.now() + AGAIN_MS);
    return false;
  };

  async #open(): Promise<boolean> {
    const { times, passedOver, wrong } = await this.#store.dueDelayed(LISTS_AT_ONCE, this.#passed);
    this.#tick.report(wrong);
    this.#passed += passedOver;
    this.#lists = times.map((time) => ({ time, passed: 0, refused: new Map() }));
    return times.length + passedOver > 0;
  }

  #plan({ time, payloads, wrong }: DelayedList, list: OpenList | undefined): DelayedMoves {
    if (wrong) this.#tick.report([wrong]);
    const moves = payloads.map((bytes) => this.#moveOf(bytes, list?.refused));
    return { time, passed: list?.passed ?? 0, moves };
  }

  #moveOf(bytes: Buffer, refusals: OpenList['refused'] | undefined): DelayedMove {
    const refusal = refusals && refusals.size > 0 ? refusals.get(hashOf(bytes)) : undefined;
    const now = this.#tick.now();
    if (!refusal) return destinationOf(bytes, this.#registry, now);
    if (refusal.queue === undefined) return { bytes, to: 'nowhere' };
    return refusedBy(refusal.queue, refusal.error, bytes, now);
  }

  /** Takes note of what did not move. @returns whether the list needs no further look in this tick */
  #isDone(
    list: OpenList,
    plan: DelayedMoves | undefined,
    { left, scheduled, refused }: MovedList,
    found: DelayedList | undefined,
  ): boolean {
    const moves = plan?.moves ?? [];
    for (const [place, { error }] of refused) {
      const move = moves[place];
      if (!move) continue;
      const queue = move.to === 'queue' ? move.queue : undefined;
      list.refused.set(hashOf(move.bytes), { queue, error });
    }
    if (refused.size === 0) list.passed += moves.filter(({ to }) => to === 'nowhere').length;
    const stuck = found?.wrong !== undefined || list.passed >= MOST_STUCK;
    if (left > list.passed && !stuck) return false;
    if (scheduled) this.#passed++;
    return true;
  }

  #noteLateness(plans: readonly DelayedMoves[]): void {
    const first = plans.find(({ moves }) => moves.length > 0);
    const due = Number(first?.time) * 1_000;
    const { totals } = this.#tick;
    if (Number.isFinite(due)) totals.lateness = Math.max(totals.lateness, this.#tick.now() - due);
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}
