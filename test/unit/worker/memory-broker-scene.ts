import type {
  HeldJob,
  Recovered,
  StartingJob,
  SyncReply,
  SyncRequest,
  SyncResult,
  WorkerBroker,
} from '../../../shared/broker/broker.ts';
import { fieldOf } from '../../../shared/broker/ops/operation.ts';
import type { Clock } from '../../../shared/clock.ts';
import type { RawJob, Settlement } from '../../../shared/types.ts';
import { spliceText, unsplice } from '../../../shared/wire/attempts-record.ts';
import { rawJob, syncReply } from '../../helpers/builders.ts';

/** What one sync did, in short. */
export interface SyncNote {
  readonly request: SyncRequest;
  readonly reply: SyncResult;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * A broker in memory for one worker, in the order of things of the sync script: it settles, then reserves. It knows
 * deaths and serial queues; a test says what else goes wrong.
 */
export class MemoryBroker implements Pick<WorkerBroker, 'address' | 'sync' | 'start' | 'recover' | 'unregister'> {
  readonly address = 'memory:1';
  readonly lists = new Map<string, string[]>();
  readonly inflight = new Map<string, RawJob>();
  readonly failed: string[] = [];
  readonly retries: Settlement[] = [];
  readonly syncs: SyncNote[] = [];
  readonly starts: StartingJob[][] = [];
  /** What the worker says that it holds, when Redis has lost its last writes. */
  readonly recovers: HeldJob[][] = [];
  readonly serial = new Set<string>();
  /** Serial queues that other workers hold. */
  readonly others = new Set<string>();
  /** How often it was left, and with how many jobs still held. */
  readonly left: number[] = [];
  done = 0;
  paused = false;
  /** How long each call is under way, ms. */
  roundTrip = 0;
  /** What the next syncs answer, before anything is done. */
  readonly instead: (SyncResult | Error)[] = [];
  /** What `start` waits for before it answers. */
  beforeStart: Promise<unknown> = Promise.resolve();
  /** Outcomes that no key takes. */
  refuses: (settlement: Settlement) => boolean = () => false;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  push(queue: string, ...payloads: readonly string[]): void {
    this.list(queue).push(...payloads);
  }

  list(queue: string): string[] {
    const list = this.lists.get(queue) ?? [];
    this.lists.set(queue, list);
    return list;
  }

  async sync(request: SyncRequest): Promise<SyncResult> {
    await this.#travel();
    const instead = this.instead.shift();
    const reply = instead ?? this.#carryOut(request);
    await this.#travel();
    if (reply instanceof Error) throw reply;
    this.syncs.push({ request, reply, at: this.#clock.now() });
    return reply;
  }

  async start(_worker: string, jobs: readonly StartingJob[]): Promise<boolean[]> {
    this.starts.push([...jobs]);
    await this.#travel();
    await this.beforeStart;
    return jobs.map(({ raw, marked }) => {
      if (!marked) return this.inflight.has(fieldOf(raw));
      const held = this.inflight.delete(fieldOf(raw));
      if (held) this.inflight.set(fieldOf(raw, true), raw);
      return held;
    });
  }

  async recover(_worker: string, _call: number, held: readonly HeldJob[]): Promise<Recovered> {
    this.recovers.push([...held]);
    const missing = held.flatMap(({ raw }) =>
      this.inflight.has(fieldOf(raw)) || this.inflight.has(fieldOf(raw, true)) ? [] : [raw],
    );
    return { given: 0, missing, wrong: [] };
  }

  async unregister(): Promise<number> {
    this.left.push(this.inflight.size);
    return this.inflight.size;
  }

  #carryOut({ settle, reserve }: SyncRequest): SyncReply {
    let missing = 0;
    const refused: Settlement[] = [];
    const toHead = ({ outcome }: Settlement) => outcome.kind === 'release' && outcome.to === 'head';
    for (const one of [...settle.filter((other) => !toHead(other)), ...settle.filter(toHead).reverse()]) {
      const field = fieldOf(one.raw, one.marked);
      if (!this.inflight.has(field)) missing++;
      else if (this.refuses(one)) refused.push(one);
      else {
        this.inflight.delete(field);
        this.#settle(one);
      }
    }
    const base = { now: this.#clock.now(), missing, refused, paused: this.paused };
    if (!reserve || this.paused) return syncReply(base);
    return syncReply({ ...base, ...this.#reserve(reserve) });
  }

  #settle({ raw, outcome }: Settlement): void {
    const payload = raw.text ?? '';
    if (outcome.kind === 'done') this.done++;
    else if (outcome.kind === 'retry') this.retries.push({ raw, outcome, marked: false, effects: [] });
    else if (outcome.kind === 'fail' || outcome.kind === 'failText') this.failed.push(payload);
    else if (outcome.kind === 'release') {
      const { record, to } = outcome;
      const text = record ? unsplice(payload).payload.replace('{', `{${spliceText(record)}`) : payload;
      if (to === 'head') this.list(raw.queue).unshift(text);
      else this.list(raw.queue).push(text);
    }
  }

  #reserve({ count, firstSeq, shares, suspects, alone }: NonNullable<SyncRequest['reserve']>): Partial<SyncReply> {
    const jobs: RawJob[] = [];
    const passedOver = { forPlace: 0, forWorker: 0 };
    let places = suspects;
    let more = false;
    let heldElsewhere = false;
    const serial: { queue: string; more: boolean }[] = [];
    const take = (queue: string, payload: string) => {
      const raw = rawJob(payload, { queue, seq: firstSeq + jobs.length });
      this.inflight.set(fieldOf(raw), raw);
      jobs.push(raw);
    };
    const findAlone = (): Partial<SyncReply> | undefined => {
      for (const { queue } of shares) {
        const at = this.list(queue).findIndex((payload) => deathsOf(payload) === 2);
        if (at < 0) continue;
        take(queue, this.list(queue).splice(at, 1)[0] ?? '');
        return { jobs, alone: true, more: true };
      }
      return undefined;
    };
    if (alone === 'first') {
      const found = findAlone();
      if (found) return found;
    }
    for (const { queue, limit, serial: asked } of shares) {
      if (asked) this.serial.add(queue);
      const isSerial = this.serial.has(queue);
      if (isSerial && this.others.has(queue)) {
        heldElsewhere = true;
        continue;
      }
      const list = this.list(queue);
      const later: string[] = [];
      let taken = 0;
      while (list.length > 0 && taken < limit && jobs.length < count) {
        const payload = list.shift() ?? '';
        const deaths = deathsOf(payload);
        if (deaths === 2 || (deaths === 1 && places === 0)) {
          if (deaths === 2) passedOver.forWorker++;
          else passedOver.forPlace++;
          later.push(payload);
          continue;
        }
        if (deaths === 1) places--;
        take(queue, payload);
        taken++;
      }
      if (isSerial) serial.push({ queue, more: list.length > 0 });
      else more ||= list.length > 0;
      list.push(...later);
    }
    if (jobs.length === 0 && passedOver.forWorker > 0 && alone === 'ifNothingElse') return findAlone() ?? {};
    return { jobs, more, passedOver, serial, heldElsewhere };
  }

  async #travel(): Promise<void> {
    if (this.roundTrip === 0) return;
    await new Promise<void>((resolve) => this.#clock.after(this.roundTrip / 2, resolve));
  }
}

function deathsOf(payload: string): number {
  return unsplice(payload).record?.deaths ?? 0;
}
