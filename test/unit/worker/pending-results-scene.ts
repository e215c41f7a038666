import type { Outcome } from '../../../shared/types.ts';
import { PendingResults } from '../../../shared/worker/pending-results.ts';
import { PluginEffects } from '../../../shared/worker/plugin-effects.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

/** Redis's clock is a minute behind ours. */
export const BEHIND = 61_500;
export const WORKER = 'host:1:q';

export function begin() {
  const clock = new ManualClock();
  const start = clock.now();
  const pending = new PendingResults({
    clock,
    plugins: new PluginEffects(recordingLogger()),
    worker: () => WORKER,
    redisNow: () => clock.now() - BEHIND,
    ahead: () => -BEHIND,
    gatesOf: () => [],
    isEnding: () => false,
    isCancelled: () => false,
    within: 100,
  });
  return { clock, pending, start, due: () => pending.dueAt - start };
}

export const succeeded: Outcome = { kind: 'succeeded' };
export const discarded: Outcome = { kind: 'discarded', error: 'not needed' };
export const retried: Outcome = { kind: 'retried', delay: 1_500, error: 'boom' };
export const failed: Outcome = { kind: 'failed', error: new RangeError('boom') };
export const released: Outcome = { kind: 'released', to: 'head', reason: 'shutdown' };
