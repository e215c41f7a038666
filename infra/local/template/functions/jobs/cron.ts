import type { CronEntry } from 'lambdesque';

/** What is enqueued at times, by the entry's name. */
export default {
  everyMorning: { cron: '0 8 * * *', timeZone: 'Europe/Paris', class: 'Welcome', args: ['everybody'] },
} satisfies Readonly<Record<string, CronEntry>>;
