import { pauseGate } from '../../../broker/gate.ts';
import { type Check, counted, listed, quoted } from '../finding.ts';

/** A pause of more than a day was forgotten, rather than meant, ms. */
const LONG = 86_400_000;

export const pausedClasses: Check = {
  name: 'paused-classes',
  async run({ deps, totals }) {
    const paused = await deps.control.pausedClasses();
    if (paused.length === 0) return [];
    const now = (await totals()).now.getTime();
    let [parked, since] = [0, now];
    for (const name of paused.slice(0, 100)) {
      const gate = pauseGate(name);
      const { items } = await deps.limits.parked(gate, { limit: 1 });
      if (items.length === 0) continue;
      parked += (await deps.limits.get(gate)).parked;
      since = Math.min(since, items[0]?.enqueuedAt?.getTime() ?? now);
    }
    const days = Math.floor((now - since) / LONG);
    return [
      {
        severity: days >= 1 ? 'warning' : 'notice',
        problem:
          `${counted(paused.length, 'class is', 'classes are')} paused: ${listed(paused)}; ${counted(parked, 'job')} parked` +
          `${days >= 1 ? `, the first of them enqueued ${counted(days, 'day')} ago` : ''}.`,
        subjects: paused,
        meaning: 'No job of them starts, in whatever queue.',
        remedy: `lambdesque classes resume ${paused.slice(0, 10).map(quoted).join(' ')}`,
      },
    ];
  },
};
