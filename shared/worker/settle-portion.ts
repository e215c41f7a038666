import { isPlainDone, isPlainRelease } from '../broker/ops/operation.ts';
import type { Effect, Settlement } from '../types.ts';

/** Settlements in one sync, besides those that are only done; each is a command or more of its script. */
const MOST_OTHERS = 1_000;
/** And characters of their texts: Upstash takes requests of 10 MB at the most. */
const MOST_TEXT = 1_048_576;
/** Only done, or given back as it is. */
export function isPlain(settlement: Settlement): boolean {
  return isPlainDone(settlement) || isPlainRelease(settlement);
}

/** Those that fit into one sync, and the rest, in their order. */
export function divide(settlements: readonly Settlement[]): {
  readonly fitting: Settlement[];
  readonly rest: Settlement[];
} {
  const fitting: Settlement[] = [];
  const rest: Settlement[] = [];
  let others = 0;
  let text = 0;
  for (const settlement of settlements) {
    if (!isPlain(settlement)) {
      others++;
      text += textOf(settlement);
      if (rest.length > 0 || (others > 1 && (others > MOST_OTHERS || text > MOST_TEXT))) {
        rest.push(settlement);
        continue;
      }
    }
    fitting.push(settlement);
  }
  return { fitting, rest };
}

function textOf({ outcome, effects }: Settlement): number {
  const results = effects.reduce((sum, effect) => sum + sizeOf(effect), 0);
  if (outcome.kind === 'failBinary') return results + outcome.entry.length;
  return results + ('head' in outcome ? outcome.head.length + outcome.tail.length : 200);
}

function sizeOf(effect: Effect): number {
  if (effect.kind === 'status') return effect.tail.length;
  if (effect.kind !== 'flow') return 0;
  if ('error' in effect) return effect.error.length;
  return effect.json.length + (effect.added?.nodes.reduce((sum, { text }) => sum + text.length, 0) ?? 0);
}
