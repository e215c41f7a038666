import { type Keys, keysOf } from '../keys.ts';
import { changeCron, claimSlot, readCron, SLOT_ENQUEUED, SLOT_OVERLAPS, seeTimings } from '../scripts/cron.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';

/** The part of the seam that keeps cron entries: dynamic ones, and what is known of the slots of all. */
export interface CronBroker {
  read(): Promise<CronState>;
  /** Notes which timings there are now. Those that were there at earlier ticks keep the time when they were first seen. */
  see(
    timings: readonly { readonly name: string; readonly fingerprint: string }[],
    state: CronState,
    now: number,
  ): Promise<void>;
  claim(slot: SlotClaim): Promise<'enqueued' | 'overlaps' | 'taken'>;
  setStatus(name: string, status: CronStatus): Promise<void>;
  statuses(): Promise<Map<string, CronStatus>>;
  /** @param json the entry in resque-scheduler's form; undefined removes it  @returns whether there was one */
  change(name: string, json: string | undefined): Promise<boolean>;
  /** Drops what is known of a dynamic entry's slots, if it is not there any more. */
  forget(name: string): Promise<void>;
  pause(name: string): Promise<void>;
  /** Slots up to `now` count as passed: none is made up for. */
  resume(name: string, now: number): Promise<void>;
}

export interface CronState {
  /** Dynamic entries as JSON, by name: `persistent_schedules`. */
  readonly dynamic: ReadonlyMap<string, string>;
  /** Last claimed slot, epoch ms, by name. */
  readonly last: ReadonlyMap<string, number>;
  /** When a timing was first seen, epoch ms; undefined also where it was away since. */
  since(name: string, fingerprint: string): number | undefined;
  /** The note of a timing, as it stands. */
  note(name: string, fingerprint: string): string | undefined;
  readonly paused: ReadonlySet<string>;
  /** When a pause ended, epoch ms, by name: no slot up to then. */
  readonly resumed: ReadonlyMap<string, number>;
}

/** How often it is noted that a timing is still there. */
const SEE_EVERY_MS = 600_000;

export interface SlotClaim {
  readonly name: string;
  /** Epoch ms. */
  readonly slot: number;
  readonly queue: string;
  readonly payload: string;
  readonly now: number;
  /** Set where jobs must not overlap: until when an unfinished one counts as alive, epoch ms. */
  readonly aliveUntil?: number;
  readonly jobId: string;
}

/** The last thing that happened to an entry. */
export interface CronStatus {
  readonly outcome: 'enqueued' | 'overlapped' | 'error' | 'invalid';
  /** Epoch ms. */
  readonly at: number;
  readonly slot?: number;
  readonly jobId?: string;
  readonly error?: string;
}

export function redisCronBroker(client: RedisClient, namespace: string): CronBroker {
  const keys = keysOf(namespace);
  const { cron, queues, queue } = keys;
  return {
    read: async () => cronStateOf(await client.script(readCron, cronStateKeys(keys), [])),

    async see(timings, state, now) {
      const args = timings.flatMap(({ name, fingerprint }) => {
        const note = state.note(name, fingerprint);
        const since = state.since(name, fingerprint);
        const seen = Number(note?.split(':')[1]);
        if (since !== undefined && now - seen < SEE_EVERY_MS) return [];
        return [`${name}\n${fingerprint}`, note ?? '', `${since ?? now}:${now}`];
      });
      if (args.length > 0) await client.script(seeTimings, [cron.since], args);
    },

    async claim({ name, slot, queue: target, payload, now, aliveUntil, jobId }) {
      const enqueued: CronStatus = { outcome: 'enqueued', at: now, slot, jobId };
      const overlapped: CronStatus = { outcome: 'overlapped', at: now, slot };
      const answer = await client.script(
        claimSlot,
        [cron.last, cron.live, cron.status, queues, queue(target)],
        [name, slot, payload, target, now, aliveUntil ?? '', JSON.stringify(enqueued), JSON.stringify(overlapped)],
      );
      return answer === SLOT_ENQUEUED ? 'enqueued' : answer === SLOT_OVERLAPS ? 'overlaps' : 'taken';
    },

    async setStatus(name, status) {
      await client.command(['HSET', cron.status, name, JSON.stringify(status)]);
    },

    async statuses() {
      const found = pairs(await client.command(['HGETALL', cron.status]));
      return new Map([...found].map(([name, json]) => [name, JSON.parse(json) as CronStatus]));
    },

    async change(name, json) {
      const keys = [cron.schedules, cron.changed, cron.last, cron.live, cron.status, cron.paused, cron.since];
      return (await client.script(changeCron, keys, [name, json ?? ''])) === 1;
    },

    async forget(name) {
      const keys = [cron.schedules, cron.changed, cron.last, cron.live, cron.status, cron.paused, cron.since];
      await client.script(changeCron, keys, [name, '-']);
    },

    async pause(name) {
      await client.command(['HSET', cron.paused, name, '']);
    },

    async resume(name, now) {
      await client.command(['HSET', cron.paused, name, now]);
    },
  };
}

/** In the order in which scripts take them. */
export function cronStateKeys({ cron }: Keys): string[] {
  return [cron.schedules, cron.last, cron.since, cron.paused];
}

/** @param reply of the script: the fields of these hashes */
export function cronStateOf(reply: Reply): CronState {
  const answer = list(reply);
  const notes = pairs(answer[2]);
  const pauses = pairs(answer[3]);
  const newest = Math.max(...[...notes.values()].map((note) => Number(note.split(':')[1])));
  return {
    dynamic: pairs(answer[0]),
    last: new Map([...pairs(answer[1])].map(([name, slot]) => [name, Number(slot)])),
    since(name, fingerprint) {
      const [since, seen] = (notes.get(`${name}\n${fingerprint}`) ?? '').split(':').map(Number);
      // A scheduler ticked since, twice and more, and did not see it: it was away.
      return seen === undefined || newest - seen > 2 * SEE_EVERY_MS ? undefined : since;
    },
    note: (name, fingerprint) => notes.get(`${name}\n${fingerprint}`),
    paused: new Set([...pauses].filter(([, until]) => until === '').map(([name]) => name)),
    resumed: new Map([...pauses].filter(([, until]) => until !== '').map(([name, at]) => [name, Number(at)])),
  };
}

function pairs(reply: Reply | undefined): Map<string, string> {
  const flat = list(reply).map(text);
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(flat[i] ?? '', flat[i + 1] ?? '');
  return map;
}
