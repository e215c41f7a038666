import type { CronEntry } from 'lambdesque';

/** What is enqueued at times, by the entry's name: on AWS and by `npm start` alike. */
export default {
  goodMorning: { cron: '0 3 * * *', timeZone: 'Europe/Paris', class: 'Hello', args: ['good', 'morning'] },
} satisfies Readonly<Record<string, CronEntry>>;
