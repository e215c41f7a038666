import { setTimeout as delay } from 'node:timers/promises';
import {
  defineFlowJob,
  defineJob,
  type JobCallbacks,
  type JobDefaults,
  type Middleware,
  step,
} from '../../../shared/index.ts';

/** The job classes of the bundles under test. */

/** Grouped is tried once. */
export const defaults: JobDefaults = { 'Group*': { retry: { attempts: 1 } } };

export const middleware: readonly Middleware[] = [
  async (ctx, next) => {
    if (ctx.job.class === 'Grouped') ctx.log.info('around it');
    return next();
  },
];

export const callbacks: JobCallbacks = {
  // It takes longer than the run: the invocation waits for it.
  async onFailed({ class: name, args }, error) {
    await delay(50);
    if (name === 'Grouped') process.stdout.write(`${JSON.stringify({ told: name, args, why: String(error) })}\n`);
  },
};

export default [
  defineJob({ class: 'Quick', queue: 'q', perform() {} }),
  /** Its steps are for another consumer. */
  defineFlowJob({ class: 'Starts', queue: 'q', flow: () => step('Quick', [], { queue: 'elsewhere' }) }),
  /** Ten seconds, unless it is told to end. */
  defineJob({
    class: 'Slow',
    async perform(_args, ctx) {
      ctx.log.info('begun');
      await delay(10_000, undefined, { signal: ctx.signal });
    },
  }),
  /** Ten seconds, whatever it is told. */
  defineJob({ class: 'Stubborn', perform: () => delay(10_000) }),
  defineJob({
    class: 'Fails',
    retry: { attempts: 2, backoff: '60s' },
    perform() {
      throw new BadDay('it rains');
    },
  }),
  defineJob({
    class: 'Grouped',
    perform() {
      throw new BadDay('it snows');
    },
  }),
  defineJob({
    class: 'Careless',
    perform() {
      void Promise.reject(new Error('nobody awaits this'));
    },
  }),
  defineJob({
    class: 'Talks',
    perform(_args, ctx) {
      ctx.log.info('said something', { topic: 'weather' });
    },
  }),
  defineJob({ class: 'Exits', perform: () => process.exit(3) }),
  defineJob({ class: 'Kills', perform: () => void process.kill(process.pid, 'SIGKILL') }),
  /** For ever, with the event loop. */
  defineJob({
    class: 'Blocks',
    perform() {
      for (;;);
    },
  }),
  defineJob({
    class: 'Hoards',
    perform() {
      for (const all: number[][] = []; ; ) all.push(Array.from({ length: 100_000 }, Math.random));
    },
  }),
];

/** Its name is its class's. */
class BadDay extends Error {
  override readonly name = this.constructor.name;
}
