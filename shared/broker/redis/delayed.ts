import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { DelayedMove, MovedList, SchedulerBroker, WrongKey } from '../broker.ts';
import { LONGEST_HASHED } from '../element-digest.ts';
import type { Keys } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { promoteDelayed, readDelayed } from '../scripts/promote-delayed.ts';
import { dropIndexes } from '../scripts/scheduled.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { readDue } from './due-times.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** A longer key does not exist in Upstash, and would refuse the whole call, bytes. */
const LONGEST_INDEX = 32_000;

/** The delayed jobs' part of a tick. */
export function delayedOf(
  client: RedisClient,
  script: RedisClient['script'],
  keys: Keys,
): Pick<SchedulerBroker, 'dueDelayed' | 'readDelayed' | 'promoteDelayed'> {
  return {
    async dueDelayed(limit, passed = 0) {
      const due = await readDue(script, keys.delayedSchedule, { unit: 1_000, passed, limit });
      return { times: due.members.map(({ name }) => name), passedOver: due.unusable, wrong: due.wrong };
    },

    async readDelayed(lists, limit, bytes) {
      const scriptKeys = lists.map(({ time }) => keys.delayed(time));
      const passed = lists.map((one) => one.passed ?? 0);
      const found = list(await client.script(readDelayed, scriptKeys, [limit, bytes, ...passed]));
      return found.map((reply, i) => {
        const time = lists[i]?.time ?? '';
        if (Array.isArray(reply)) return { time, payloads: reply as Buffer[] };
        return { time, payloads: [], wrong: { key: keys.delayed(time), error: text(reply) } };
      });
    },

    async promoteDelayed(lists) {
      const call = new ScriptCall([keys.delayedSchedule, keys.queues, keys.failed, keys.flowsLost]);
      const large: { readonly index: string; readonly member: string }[] = [];
      call.add(lists.length);
      for (const { time, passed = 0, moves } of lists) {
        const member = `delayed:${time}`;
        call.add(time, call.key(keys.delayed(time)), member, passed, moves.length);
        for (const move of moves) {
          // What is not UTF-8 was not written by a program that keeps the index.
          const index = isUtf8(move.bytes) ? keys.timestamps(move.bytes.toString('utf8')) : undefined;
          const isShort = move.bytes.length <= LONGEST_INDEX;
          if (index !== undefined && !isShort) large.push({ index, member });
          call.add(markOf(move.bytes), index !== undefined && isShort ? call.key(index) : 0);
          addMove(call, keys, move);
        }
      }
      const [queued, failed, states, wrong] = list(await client.script(promoteDelayed, call.keys, call.args));
      await dropLarge(large);
      const moved = list(states).map(movedList);
      return { queued: Number(queued), failed: Number(failed), lists: moved, wrong: wrongKeysOf(wrong) };
    },
  };

  /** Ruby's index of large payloads: where it exists. It only tells which lists have a job, so it may be late. */
  async function dropLarge(large: readonly { readonly index: string; readonly member: string }[]): Promise<void> {
    if (large.length === 0) return;
    try {
      await client.script(
        dropIndexes,
        large.map((one) => one.index),
        large.map((one) => one.member),
      );
    } catch {
      // Such a key is too long for this Redis, so it is not there.
    }
  }
}

function addMove(call: ScriptCall, keys: Keys, move: DelayedMove): void {
  switch (move.to) {
    case 'queue':
      call.add('q', call.key(keys.queue(move.queue)), move.queue);
      break;
    case 'failed':
      call.add('f', move.head, move.tail);
      break;
    case 'buried':
      call.add('b', move.entry);
      break;
    case 'nowhere':
      call.add('s');
      break;
  }
}

/** What tells one payload from another: as the script makes it. */
function markOf(bytes: Buffer): string {
  const hash = createHash('sha1');
  if (bytes.length <= LONGEST_HASHED) return hash.update(bytes).digest('hex');
  const half = LONGEST_HASHED / 2;
  return `${bytes.length}:${hash.update(bytes.subarray(0, half)).update(bytes.subarray(-half)).digest('hex')}`;
}

function movedList(reply: Reply): MovedList {
  const [left, changed, scheduled, ...refusals] = list(reply);
  const refused = new Map<number, WrongKey>();
  for (const refusal of refusals) {
    const [place, key, error] = list(refusal);
    refused.set(Number(place), { key: text(key), error: text(error) });
  }
  return { left: Number(left), changed: changed === 1, scheduled: scheduled === 1, refused };
}
