import type { LimitRule } from '../../types.ts';
import { readRule, ruleText } from '../gate.ts';
import { keysOf } from '../keys.ts';
import { gateStates } from '../scripts/gate-states.ts';
import { list, type RedisClient, text } from './client.ts';
import { openGatesOf } from './open-gates.ts';
import { type ScoredMember, scoredMembers } from './scored-members.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { numberOf } from './wrong-keys.ts';

/** A gate as it is now; see gate.ts. */
export interface GateState {
  /** Somebody holds a place, or has within the time of its rate. */
  readonly known: boolean;
  readonly rule: LimitRule | undefined;
  /** @property runs its lease does; of one that has died its places count until its jobs were given back */
  readonly holders: readonly { readonly worker: string; readonly places: number; readonly runs: boolean }[];
  /** Places that are kept for jobs that were called. */
  readonly called: number;
  /** Jobs that were let through within the time of its rate. */
  readonly passed: number;
  readonly parked: number;
}

/** The part of the seam that looks at what limits and pauses hold back. */
export interface LimitsBroker {
  /** Gates with parked jobs, in the order in which the scheduler looks at them (score, epoch ms). */
  parkedGates(behind: ScoredMember | undefined, limit: number): Promise<ScoredMember[]>;
  /** When the scheduler looks at it, epoch ms; undefined where it does not. */
  lookAt(gate: string): Promise<number | undefined>;
  /** @param rules of those whose hash does not say */
  states(gates: readonly string[], rules: ReadonlyMap<string, LimitRule>): Promise<GateState[]>;
  /** Jobs that are parked; at least so many where there are more than 10,000 gates. */
  parkedCount(): Promise<number>;
  /** All that is parked goes to the heads of its queues. @returns how many */
  release(gate: string): Promise<number>;
}

/** Gates in one call, and those that are counted. */
const AT_ONCE = 1_000;
const MOST_COUNTED = 10_000;

/**
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisLimitsBroker(client: RedisClient, namespace: string, time?: TimeSource): LimitsBroker {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);
  const gates = openGatesOf(client, script, keys);

  async function states(names: readonly string[], rules: ReadonlyMap<string, LimitRule>): Promise<GateState[]> {
    const all: GateState[] = [];
    for (let from = 0; from < names.length; from += AT_ONCE) {
      const some = names.slice(from, from + AT_ONCE);
      const called = some.flatMap((name) => [keys.limit(name), keys.parkedAt(name)]);
      const told = some.map((name) => {
        const rule = rules.get(name);
        return rule ? ruleText(rule) : '';
      });
      const [found] = list(await script(gateStates, [keys.leases, ...called], told));
      for (const reply of list(found)) {
        const [known, rule, parked, calls, passed, holders] = list(reply);
        all.push({
          known: known === 1,
          rule: readRule(text(rule)),
          holders: holdersOf(list(holders)),
          called: Number(calls),
          passed: Number(passed),
          parked: Number(parked),
        });
      }
    }
    return all;
  }

  const parkedGates = (behind: ScoredMember | undefined, limit: number) =>
    scoredMembers(client, keys.parked, behind, limit);

  return {
    states,
    parkedGates,

    async lookAt(gate) {
      const score = await client.command(['ZSCORE', keys.parked, gate]);
      return score === null ? undefined : numberOf(text(score));
    },

    async parkedCount() {
      let [count, looked] = [0, 0];
      for (let behind: ScoredMember | undefined; looked < MOST_COUNTED; ) {
        const some = await parkedGates(behind, AT_ONCE);
        if (some.length === 0) break;
        for (const { parked } of await states(
          some.map(({ name }) => name),
          new Map(),
        ))
          count += parked;
        looked += some.length;
        behind = some.at(-1);
      }
      return count;
    },

    release: (gate) => gates.empty(gate, 'all'),
  };
}

function holdersOf(flat: readonly unknown[]): GateState['holders'] {
  const holders: { worker: string; places: number; runs: boolean }[] = [];
  for (let i = 0; i + 2 < flat.length; i += 3) {
    holders.push({ worker: text(flat[i] as never), places: Number(flat[i + 1]), runs: flat[i + 2] === 1 });
  }
  return holders.sort((a, b) => b.places - a.places || (a.worker < b.worker ? -1 : 1));
}
