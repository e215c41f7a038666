import { expect, test } from 'vitest';
import { withBackends } from '../../helpers/backends.ts';
import { seededRandom } from '../../helpers/builders.ts';
import { Killed, type Moment, MortalClient } from '../../helpers/scheduler/mortal-client.ts';
import { DAY, HOUR, MINUTE, slotsIn, testScheduler } from '../../helpers/scheduler/test-scheduler.ts';

/** October 2026: on the 25th the clocks of Paris go back, and 02:30 comes twice. */
const FROM = Date.UTC(2026, 9, 1);
const TO = Date.UTC(2026, 10, 1);

const entries = {
  hourly: { cron: '0 * * * *', class: 'Report', queue: 'hourly' },
  daily: { cron: '30 2 * * *', timeZone: 'Europe/Paris', class: 'Report', queue: 'daily' },
  // Between two ticks there are several of its slots.
  often: { cron: '@every 2m', class: 'Report', queue: 'often', missed: 'all' as const },
};

/** What a calendar says, in UTC; no code of ours has a part in it. */
const reference = {
  hourly: Array.from({ length: 31 * 24 }, (_, hour) => FROM + (hour + 1) * HOUR),
  // Half past two is half past midnight in summer, half past one in winter; on the 25th it is the first of the two.
  daily: Array.from({ length: 31 }, (_, day) => FROM + day * DAY + 30 * MINUTE + (day + 1 > 25 ? HOUR : 0)),
  often: Array.from({ length: 31 * 24 * 30 }, (_, i) => FROM + (i + 1) * 2 * MINUTE),
};

withBackends(
  (bed) => {
    test('a month with three schedulers and random kills enqueues exactly the slots of the calendar', async () => {
      const seed = 20_261_001;
      const random = seededRandom(seed);
      const moments: Moment[] = ['before', 'after'];
      const clients = Array.from({ length: 3 }, () => new MortalClient(bed.client()));
      const start = (client: MortalClient) => testScheduler({ client, entries });
      const schedulers = clients.map(start);
      let ticks = 0;
      let kills = 0;

      async function tick(i: number, time: number): Promise<void> {
        const client = clients[i] as MortalClient;
        // A tick where nothing is due has two commands, one where slots are due some more.
        if (random() < 0.4) client.live(1 + Math.floor(random() * 6), moments[Math.floor(random() * 2)]);
        ticks++;
        try {
          await schedulers[i]?.tick(time);
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
        }
        if (client.dead) {
          kills++;
          client.live();
          schedulers[i] = start(client);
        }
      }

      // Each step 30 s to 11 min; now and then a scheduler is alone, and now and then nobody is there.
      for (let time = FROM; time < TO; ) {
        const there = [0, 1, 2].filter(() => random() < 0.5);
        await Promise.all(there.map((i) => tick(i, time)));
        time = Math.min(TO, time + 30_000 * (1 + Math.floor(random() * 22)));
      }
      for (const client of clients) client.live();
      await schedulers[0]?.tick(TO);

      console.log(`seed ${seed}: ${ticks} ticks, ${kills} of them killed`);
      expect(kills).toBeGreaterThan(1_000);
      for (const [name, slots] of Object.entries(reference)) {
        const found = await slotsIn(bed, name);
        expect(found.length, name).toBe(slots.length);
        expect(
          found.find((slot, i) => slot !== slots[i]),
          `first slot of ${name} that should not be there`,
        ).toBeUndefined();
      }
    }, 240_000);
  },
  ['TCP'],
);
