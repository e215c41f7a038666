import { createHash } from 'node:crypto';
import type { RawJob } from '../../types.ts';
import type { AskedGate } from '../admission.ts';
import type { WorkerBroker } from '../broker.ts';
import { ruleText } from '../gate.ts';
import type { Keys } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { MOVED, parkAhead } from '../scripts/park-ahead.ts';
import { list, type RedisClient } from './client.ts';
import { jobsOf } from './payload-chunks.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** Jobs that are parked where they wait, without having been taken. */
export function parkAheadOf(script: RedisClient['script'], keys: Keys): WorkerBroker['parkAhead'] {
  return async ({ queue, park, read }) => {
    const call = new ScriptCall([keys.leases, keys.control, keys.queues, keys.parked, keys.queue(queue)]);
    const [first] = park?.jobs ?? [];
    call.add(queue);
    if (!park || !first) call.add(0);
    else {
      const { gates, places } = numbered(park.gates);
      call.add(park.jobs.length, park.place, first.size, shaOf([first]), shaOf(park.jobs), runsOf(places));
      call.add(gates.length);
      for (const { name, rule, life, pausedClass = '' } of gates) {
        const parked = call.key(keys.parkedAt(name));
        const limit = pausedClass === '' ? call.key(keys.limit(name)) : parked;
        call.add(name, limit, parked, ruleText(rule, life), pausedClass);
      }
    }
    call.add(read?.place ?? 0, read?.most ?? 0, read?.bytes ?? 0);
    const [parked, before, wrong, run] = list(await script(parkAhead, call.keys, call.args));
    if (parked === MOVED) return undefined;
    const [, lengths, ...texts] = list(run);
    const jobs = (texts as Buffer[]).flatMap((text) =>
      jobsOf(text, Array.isArray(lengths) ? lengths : undefined, queue, 0),
    );
    return { parked: Number(parked), before: Number(before), jobs, wrong: wrongKeysOf(wrong) };
  };
}

/** Each gate once, and for each job the place of its own, from 1; 0 for none. */
function numbered(each: readonly (AskedGate | undefined)[]) {
  const known = new Map<string, number>();
  const gates: AskedGate[] = [];
  const places = each.map((gate) => {
    if (!gate) return 0;
    const place = known.get(gate.name) ?? gates.push(gate);
    known.set(gate.name, place);
    return place;
  });
  return { gates, places };
}

function shaOf(jobs: readonly RawJob[]): string {
  const texts = jobs.flatMap(({ text }) => text ?? []);
  const all = texts.length === jobs.length ? texts.join('') : Buffer.concat(jobs.map(({ bytes }) => bytes));
  return createHash('sha1').update(all).digest('hex');
}

/** `1x4998 0x1 2x3` */
function runsOf(places: readonly number[]): string {
  const runs: string[] = [];
  for (let i = 0; i < places.length; ) {
    const first = i;
    while (places[++i] === places[first]);
    runs.push(`${places[first]}x${i - first}`);
  }
  return runs.join(' ');
}
