import type { OpenedGates } from '../admission.ts';
import type { SchedulerBroker } from '../broker.ts';
import { pausedClassOf } from '../gate.ts';
import type { Keys } from '../keys.ts';
import { lockOfGate } from '../lock-value.ts';
import { ScriptCall } from '../ops/call.ts';
import { openGates, parkedGates, parkedQueues } from '../scripts/open-gates.ts';
import { list, type RedisClient, text } from './client.ts';
import { openUniqueOf } from './open-unique.ts';
import { nameOf, numberOf, wrongKeysOf } from './wrong-keys.ts';

/** No class has such a name. What a pause holds back is all given back when it ends. */
const NEVER_PAUSED = '*';
const isOfLock = (gate: string) => lockOfGate(gate) !== undefined;

/** Shares of parked jobs that are given back at the most: about 500 each. */
const MOST_SHARES = 10_000;

interface GateOpener extends Pick<SchedulerBroker, 'parkedGates'> {
  /** @param which `all` of what is parked, whatever they let through @default what may go on now */
  openGates(gates: readonly string[], which?: 'all'): Promise<OpenedGates>;
  /** Share after share, until nothing goes on. @returns how many jobs */
  empty(gate: string, which?: 'all'): Promise<number>;
}

/** Parked jobs, and their way back to their queues. */
export function openGatesOf(client: RedisClient, script: RedisClient['script'], keys: Keys): GateOpener {
  const openUnique = openUniqueOf(client, script, keys);
  const opener: GateOpener = {
    async parkedGates(limit, all) {
      const [names, next, wrong] = list(await script(parkedGates, [keys.parked], [limit, all ? 1 : 0]));
      const gates = list(names).map(nameOf);
      return {
        gates: gates.filter((name) => name !== undefined),
        next: text(next) === '' ? undefined : numberOf(text(next)),
        wrong: wrongKeysOf(wrong),
      };
    },

    async openGates(all, which) {
      const locks = await Promise.all(all.filter(isOfLock).map(openUnique));
      const opened = {
        called: locks.filter((one) => one.opened).length,
        more: locks.some((one) => one.again),
        wrong: locks.flatMap((one) => one.wrong),
      };
      const gates = all.filter((gate) => !isOfLock(gate));
      if (gates.length === 0) return opened;
      const queues = list(await client.script(parkedQueues, gates.map(keys.parkedAt), []));
      const call = new ScriptCall([keys.leases, keys.control, keys.queues, keys.parked]);
      const names = new Set(queues.flatMap((one) => list(one).map(text)));
      call.add(names.size);
      for (const name of names) call.add(name, call.key(keys.queue(name)));
      call.add(gates.length);
      for (const gate of gates) {
        const parked = call.key(keys.parkedAt(gate));
        const paused = which === 'all' ? NEVER_PAUSED : pausedClassOf(gate);
        call.add(gate, paused === undefined ? call.key(keys.limit(gate)) : parked, parked, paused ?? '');
      }
      const [called, more, wrong] = list(await script(openGates, call.keys, call.args));
      return {
        called: Number(called) + opened.called,
        more: more === 1 || opened.more,
        wrong: [...wrongKeysOf(wrong), ...opened.wrong],
      };
    },

    async empty(gate, which) {
      let given = 0;
      for (let i = 0; i < MOST_SHARES; i++) {
        const { called } = await opener.openGates([gate], which);
        given += called;
        if (called === 0) break;
      }
      return given;
    },
  };
  return opener;
}
