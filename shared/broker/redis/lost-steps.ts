import { flowOfPayload } from '../../wire/flow.ts';
import type { SchedulerBroker, WrongKey } from '../broker.ts';
import type { Keys } from '../keys.ts';
import type { RedisClient } from './client.ts';
import { changeFlowOf } from './flows.ts';
import type { TimeSource } from './time.ts';
import { MAY_HAVE_STARTED, untoldEndsOf } from './untold-ends.ts';

/** Each is taken off the list in the step that tells its flow: whoever dies on the way has told all, or nothing. */
export function tellLostStepsOf(
  client: RedisClient,
  script: RedisClient['script'],
  keys: Keys,
  time: TimeSource | undefined,
): SchedulerBroker['tellLostSteps'] {
  const change = changeFlowOf(script, keys);
  const tellEnds = untoldEndsOf(client, keys, time);
  return async (limit) => {
    const ends = await tellEnds(limit);
    const wrong: WrongKey[] = [...ends.wrong];
    let { told } = ends;
    let isListing = false;
    for (const element of ends.steps) {
      const mark = flowOfPayload(`{"flow":${element}}`);
      if (!mark) {
        await client.command(['LREM', keys.flowsLost, 1, element]);
        continue;
      }
      const { why, lists } = JSON.parse(element) as { readonly why?: unknown; readonly lists?: unknown };
      const thrown =
        typeof why === 'string'
          ? { exception: 'RemovedError', error: why }
          : { exception: 'WorkerDiedError', error: MAY_HAVE_STARTED };
      const error = JSON.stringify({ step: mark.step, class: null, ...thrown });
      const fail = { kind: 'fail', step: mark.step, error, element } as const;
      const changed = await change(mark.id, mark.queues, lists === true ? { kind: 'lists', element } : fail);
      if (changed) told++;
      if (changed?.lists) isListing = true;
      wrong.push(...(changed?.wrong ?? []));
    }
    // A note that is worked off may put a step behind the last element.
    return { told, more: ends.read === limit || ends.told > 0 || isListing, wrong };
  };
}
