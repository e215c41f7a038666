import { defineJob } from 'lambdesque';

/** The jobs of the other systems: they say what they are given. */
export default [
  defineJob({
    class: 'Report',
    queue: 'reports',
    perform([text], ctx) {
      ctx.log.info(String(text));
    },
  }),
];
