import { defineJob } from 'lambdesque';

export const Hello = defineJob({
  class: 'Hello',
  queue: 'default',
  perform([name], ctx) {
    ctx.log.info(`hello ${name}`);
  },
});

export default [Hello];
