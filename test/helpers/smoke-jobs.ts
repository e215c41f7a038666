/** Job classes of a user who wants to know whether anything works at all on a given Node (`work --jobs`). */
import { defineJob } from 'lambdesque';
import { z } from 'zod';

/** Takes a large integer and an object, and enqueues another job. */
const Hello = defineJob({
  class: 'Hello',
  queue: 'smoke',
  args: z.tuple([z.string(), z.bigint(), z.object({ copies: z.number().default(1) })]),
  middleware: [async (_ctx, next) => next()],
  async perform([name, id, { copies }], ctx) {
    ctx.log.info('said hello', { name, id: String(id), copies });
    await ctx.enqueue(Declined, [], { queue: 'smoke' });
  },
});

/** Throws an error of JavaScript's own. */
const Declined = defineJob({
  class: 'Declined',
  queue: 'smoke',
  retry: { attempts: 1 },
  perform() {
    throw new TypeError('card declined', { cause: new RangeError('no money') });
  },
});

export const callbacks = {
  onFailed: (job: { readonly class: string }) => console.log(JSON.stringify({ msg: 'called back', class: job.class })),
};

export default [Hello, Declined];
