import type { Fields } from '../fields.ts';
import { count, counted } from './format.ts';
import { type Html, html } from './html.ts';

/** What a change did, told on the page that follows it. */
const SAID = {
  cleared: (n) => `The queue was cleared: ${counted(n, 'job')} removed.`,
  'queue-removed': (n) => `The queue was removed, with ${counted(n, 'job')}.`,
  moved: (n) => `${counted(n, 'job')} moved.`,
  paused: () => 'Paused. Workers heed it with their next sync.',
  'cron-paused': () => 'Paused: it is enqueued at none of its times until it is resumed.',
  resumed: () => 'Resumed.',
  limited: () => 'The limit is set. Workers heed it with their next sync.',
  unlimited: () => 'The limit is taken away. Workers heed that with their next sync.',
  released: (n) => `${counted(n, 'job')} put back to the heads of their queues.`,
  'class-paused': () => 'Paused. Workers heed it with their next sync.',
  'class-resumed': (n) => `Resumed: ${counted(n, 'parked job')} put back to the heads of their queues.`,
  cancelled: () => 'The job was discarded.',
  cancelling: () =>
    'It runs: its handler hears of it with the next sync of its worker, and then it counts as discarded.',
  'flow-cancelled': () => 'The flow was cancelled: nothing more of it is started.',
  'flow-retried': (n) => `${counted(n, 'step')} put back into the queue.`,
  ran: (n) => `${counted(n, 'job')} put into the queue, to run now.`,
  removed: (n) => `${counted(n, 'job')} removed.`,
  rescheduled: (n) => `${counted(n, 'job')} given another time.`,
  retried: (n) =>
    `${counted(n, 'failed job')} put back into the queue. Its entry stays in the list, marked as retried.`,
  'entries-removed': (n) => `${counted(n, 'entry', 'entries')} removed from the failed list.`,
  enqueued: () => 'Enqueued once, besides its times.',
  unregistered: () => 'The worker was unregistered; its jobs go back to their queues.',
  freed: () => 'The lock was freed.',
  gone: () => 'It was no longer there: nothing was changed.',
  none: () => 'Nothing was chosen: nothing was changed.',
} satisfies Record<string, (n: number) => string>;

export type Said = keyof typeof SAID;

/** @param missing of those that were meant, how many were no longer there */
export interface Notice {
  readonly said: Said;
  readonly n?: number;
  readonly missing?: number;
}

export function noticeQuery({ said, n = 0, missing = 0 }: Notice): Record<string, string | number | undefined> {
  return { said, n, missing: missing || undefined };
}

export function noticeOf(query: Fields): Html {
  const said = query.text('said') ?? '';
  if (!Object.hasOwn(SAID, said)) return '';
  const n = query.number('n', 0, [0, Number.MAX_SAFE_INTEGER]);
  const missing = query.number('missing', 0, [0, Number.MAX_SAFE_INTEGER]);
  return html`<p class="notice" role="status">${SAID[said as Said](n)}${
    missing > 0 ? ` ${count(missing)} of those that were meant had gone before.` : ''
  }</p>`;
}
