import { defineJob } from 'lambdesque';
import * as z from 'zod';

/** The job of goworker's README: `{"class":"Hello","args":["hi","there11"]}`. */
export const Hello = defineJob({
  class: 'Hello',
  queue: 'myqueue',
  args: z.tuple([z.string(), z.string()]),
  async perform([greeting, name], ctx) {
    ctx.log.info(`${greeting}, ${name}!`);
  },
});
