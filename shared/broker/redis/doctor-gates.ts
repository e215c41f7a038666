import { readRule } from '../gate.ts';
import { keysOf } from '../keys.ts';
import { mendControl, mendLimits, mendParked, staleLimits } from '../scripts/doctor-gates.ts';
import { scoresOf } from '../scripts/doctor-look.ts';
import { list, type RedisClient, text } from './client.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { nameOf } from './wrong-keys.ts';

type Pair = readonly [field: string, value: string];

/** The part of the seam that looks for what is wrong with limits and parked jobs, and mends it. */
export interface GatesDoctor {
  /** Which of these gates the scheduler never looks at. */
  unwatched(gates: readonly string[]): Promise<string[]>;
  /** What workers are told that no worker understands. */
  garbage(): Promise<Pair[]>;
  /** Which of these gates have a hash that is of use to nobody. */
  stale(gates: readonly string[]): Promise<string[]>;
  /** Each mends what is still as it was found, and answers how many that were. */
  watch(gates: readonly string[]): Promise<number>;
  tidy(pairs: readonly Pair[]): Promise<number>;
  drop(gates: readonly string[]): Promise<number>;
}

const AT_ONCE = 500;
const UNDERSTOOD: readonly (readonly [prefix: string, fits: (value: string) => boolean])[] = [
  ['queue:', (value) => readRule(value) !== undefined],
  ['class:', (value) => value === 'paused'],
  ['cancel:', (value) => /^\d+ /.test(value)],
];

/**
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisGatesDoctor(client: RedisClient, namespace: string, time?: TimeSource): GatesDoctor {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);
  const hashesOf = (gates: readonly string[]) => [
    keys.leases,
    ...gates.flatMap((gate) => [keys.limit(gate), keys.parkedAt(gate)]),
  ];

  return {
    async unwatched(gates) {
      const found: string[] = [];
      for (const some of pieces(gates)) {
        const scores = list(await client.script(scoresOf, [keys.parked], some)).map(text);
        found.push(...some.filter((_, i) => scores[i] === ''));
      }
      return found;
    },

    async garbage() {
      const flat = list(await client.command(['HGETALL', keys.control])).map(nameOf);
      const found: Pair[] = [];
      for (let i = 0; i + 1 < flat.length; i += 2) {
        const [field, value] = [flat[i], flat[i + 1]];
        if (field === undefined || value === undefined) continue;
        const known = UNDERSTOOD.find(([prefix]) => field.startsWith(prefix) && field !== prefix);
        if (!known?.[1](value)) found.push([field, value]);
      }
      return found;
    },

    async stale(gates) {
      const found: string[] = [];
      for (const some of pieces(gates)) {
        const states = list(await script(staleLimits, hashesOf(some), []));
        found.push(...some.filter((_, i) => states[i] === 1));
      }
      return found;
    },

    watch: (gates) => summed(gates, (some) => script(mendParked, [keys.parked, ...some.map(keys.parkedAt)], [...some])),
    tidy: (pairs) => summed(pairs, (some) => client.script(mendControl, [keys.control], some.flat())),
    drop: (gates) => summed(gates, (some) => script(mendLimits, hashesOf(some), [])),
  };
}

function pieces<One>(all: readonly One[]): (readonly One[])[] {
  return Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, i) => all.slice(i * AT_ONCE, (i + 1) * AT_ONCE));
}

async function summed<One>(all: readonly One[], mend: (some: readonly One[]) => Promise<unknown>): Promise<number> {
  let count = 0;
  for (const some of pieces(all)) count += Number(await mend(some));
  return count;
}
