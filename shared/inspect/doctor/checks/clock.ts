import type { Check } from '../finding.ts';

/** Milliseconds. */
const NOTICEABLE = 2_000;
const LARGE = 60_000;

export const clock: Check = {
  name: 'clock',
  async run({ deps }) {
    const before = deps.clock.now();
    const redis = await deps.store.time();
    const after = deps.clock.now();
    const offset = redis - (before + after) / 2;
    // Half a round trip is how exactly it can be said.
    if (Math.abs(offset) < NOTICEABLE + (after - before) / 2) return [];
    const seconds = Math.round(Math.abs(offset) / 1_000);
    return [
      {
        severity: Math.abs(offset) < LARGE ? 'notice' : 'warning',
        problem: `Redis's clock is ${seconds} seconds ${offset > 0 ? 'ahead of' : 'behind'} this machine's.`,
        meaning:
          "Ours go by Redis's clock alone. Ruby's and other schedulers go by their own, and producers compute times of delayed jobs by theirs.",
        remedy: 'set the clocks by NTP: timedatectl set-ntp true, on both machines',
      },
    ];
  },
};
