import { createHash } from 'node:crypto';
import { RedisTypeError } from '../../errors.ts';
import type { Effect } from '../../types.ts';
import type { WrongKey } from '../broker.ts';
import type { Keys } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { UNTOLD } from '../ops/ended-untold.ts';
import { encodeEffects } from '../ops/operation.ts';
import { failureEffects, REPLACED, removalEffects } from '../removal.ts';
import { carryOutUntold } from '../scripts/carry-out.ts';
import { list, type RedisClient, text } from './client.ts';
import { type TimeSource, timedScripts, timeOf } from './time.ts';
import { wrongKeysOf } from './wrong-keys.ts';

export const MAY_HAVE_STARTED = 'Its worker died after it may have started, and it runs at most once.';

const WHY: Readonly<Record<string, string>> = {
  [UNTOLD.died]: `WorkerDiedError: ${MAY_HAVE_STARTED}`,
  [UNTOLD.refused]: 'PayloadError: It was delayed, and could not be promoted.',
};

/** Of those that did not fail. @default it was removed */
const GONE: Readonly<Record<string, string>> = { [UNTOLD.replaced]: REPLACED };

const NOTE = /^=([a-z]) (\d{1,9}):/;

interface ToldEnds {
  /** Elements of the list that were looked at. */
  readonly read: number;
  /** Notes that were worked off. */
  readonly told: number;
  /** What is no note but tells of a step of a flow. */
  readonly steps: readonly string[];
  readonly wrong: readonly WrongKey[];
}

/**
 * Works off notes of jobs that ended where what else happens then was not known: their locks are given back, their records say so.
 * Looks at so many from the head; where it is negative, from the tail.
 */
export function untoldEndsOf(client: RedisClient, keys: Keys, time?: TimeSource) {
  const script = timedScripts(client, time);
  return async (most: number): Promise<ToldEnds> => {
    const places = most < 0 ? [most, -1] : [0, most - 1];
    const found = await client.command(['LRANGE', keys.flowsLost, ...places]).catch((error: unknown) => {
      if (error instanceof RedisTypeError) return error;
      throw error;
    });
    if (found instanceof Error) {
      return { read: 0, told: 0, steps: [], wrong: [{ key: keys.flowsLost, error: found.message }] };
    }
    const elements = list(found) as Buffer[];
    const notes = elements.filter(isNote);
    const seen = { read: elements.length, steps: elements.filter((one) => !isNote(one)).map(text) };
    if (notes.length === 0) return { ...seen, told: 0, wrong: [] };
    const now = await timeOf(client, time).catch(Date.now);
    const call = new ScriptCall([keys.flowsLost]);
    // Others may have worked off some meanwhile, or noted more.
    const [first = 0, last = 0] = most < 0 ? [10 * most, -1] : [0, 10 * most];
    call.add(first, last);
    for (const note of notes) {
      call.add(createHash('sha1').update(note).digest('hex'));
      encodeEffects(effectsOf(note, now), call, keys);
    }
    const [told, wrong] = list(await script(carryOutUntold, call.keys, call.args));
    return { ...seen, told: Number(told), wrong: wrongKeysOf(wrong) };
  };
}

function isNote(element: Buffer): boolean {
  return NOTE.test(element.toString('latin1', 0, 20));
}

function effectsOf(note: Buffer, now: number): Effect[] {
  const [head = '', how = '', length] = NOTE.exec(note.toString('latin1', 0, 20)) ?? [];
  const behind = head.length + Number(length);
  const queue = note.toString('utf8', head.length, behind);
  const payload = note.toString('utf8', behind);
  const why = WHY[how];
  return why === undefined ? removalEffects(payload, queue, GONE[how]) : failureEffects(payload, queue, now, why);
}
