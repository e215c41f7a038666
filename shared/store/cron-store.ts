import { keysOf } from './keys.ts';
import { list, type RedisClient, type Reply, text } from './redis-client.ts';
import { changeCron, claimSlot, readCron, SLOT_ENQUEUED, SLOT_OVERLAPS } from './scripts/cron.ts';

/** The part of the seam that keeps cron entries: dynamic ones, and what is known of the slots of all. */
export interface CronStore {
  read(): Promise<CronState>;
  /** Notes when timings were first seen; earlier notes stay. */
  seen(timings: readonly { readonly name: string; readonly fingerprint: string }[], now: number): Promise<void>;
  claim(slot: SlotClaim): Promise<'enqueued' | 'overlaps' | 'taken'>;
  setStatus(name: string, status: CronStatus): Promise<void>;
  statuses(): Promise<Map<string, CronStatus>>;
  /** @param json the entry in resque-scheduler's form; undefined removes it  @returns whether there was one */
  change(name: string, json: string | undefined): Promise<boolean>;
  pause(name: string): Promise<void>;
  /** Slots up to `now` count as passed: none is made up for. */
  resume(name: string, now: number): Promise<void>;
}

export interface CronState {
  /** Dynamic entries as JSON, by name: `persistent_schedules`. */
  readonly dynamic: ReadonlyMap<string, string>;
  /** Last claimed slot, epoch ms, by name. */
  readonly last: ReadonlyMap<string, number>;
  /** When a timing was first seen, epoch ms. */
  since(name: string, fingerprint: string): number | undefined;
  readonly paused: ReadonlySet<string>;
}

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

export function redisCronStore(client: RedisClient, namespace: string): CronStore {
  const { cron, queues, queue } = keysOf(namespace);
  return {
    async read() {
      const answer = list(await client.script(readCron, [cron.schedules, cron.last, cron.since, cron.paused], []));
      const since = pairs(answer[2]);
      return {
        dynamic: pairs(answer[0]),
        last: new Map([...pairs(answer[1])].map(([name, slot]) => [name, Number(slot)])),
        since(name, fingerprint) {
          const found = since.get(`${name}\n${fingerprint}`);
          return found === undefined ? undefined : Number(found);
        },
        paused: new Set(list(answer[3]).map(text)),
      };
    },

    async seen(timings, now) {
      for (const { name, fingerprint } of timings) {
        await client.command(['HSETNX', cron.since, `${name}\n${fingerprint}`, now]);
      }
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

    async pause(name) {
      await client.command(['SADD', cron.paused, name]);
    },

    async resume(name, now) {
      await client.command(['HSET', cron.last, name, now]);
      await client.command(['SREM', cron.paused, name]);
    },
  };
}

function pairs(reply: Reply | undefined): Map<string, string> {
  const flat = list(reply).map(text);
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(flat[i] ?? '', flat[i + 1] ?? '');
  return map;
}
