import { defineJob, SkipRetry } from '../../shared/index.ts';

/** The job classes that the demo's producers enqueue. */

export const Hello = defineJob({
  class: 'Hello',
  queue: 'myqueue',
  perform(args, ctx) {
    ctx.log.info(`hello: ${args.map(String).join(' ')}`);
  },
});

const Charge = defineJob({
  class: 'Billing::Charge',
  perform([cents, order], ctx) {
    const { currency } = order as { currency: string };
    ctx.log.info(`charged ${cents} ${currency} cents, to the last digit`);
  },
});

const PhpMail = defineJob({
  class: 'PHP_Mail',
  perform([mail], ctx) {
    const { to } = mail as { to: string };
    ctx.log.info(`mail to ${to}`);
  },
});

/** Fails on its first attempt. */
export const Flaky = defineJob({
  class: 'Flaky',
  queue: 'myqueue',
  retry: { attempts: 3, backoff: '2s' },
  perform(_args, ctx) {
    if (ctx.job.attempt === 1) throw new Error('the other side answered 503');
    ctx.log.info('this time it worked');
  },
});

export const Hopeless = defineJob({
  class: 'Hopeless',
  queue: 'myqueue',
  perform() {
    throw new SkipRetry('there is no such account');
  },
});

export default [Hello, Charge, PhpMail, Flaky, Hopeless];
