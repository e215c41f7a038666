import { defineJob } from 'lambdesque';
import * as v from 'valibot';

/** Any program enqueues it: `redis-cli RPUSH resque:queue:mailers '{"class":"Welcome","args":["Zoë"]}'`. */
export const Welcome = defineJob({
  class: 'Welcome',
  queue: 'mailers',
  args: v.tuple([v.string()]),
  async perform([name], ctx) {
    ctx.log.info(`welcome, ${name}`);
  },
});
