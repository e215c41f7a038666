import { defineJob } from 'lambdesque';

/** No invocation is long enough for it. */
export default [defineJob({ class: 'Endless', queue: 'mailers', timeout: Number.POSITIVE_INFINITY, perform() {} })];
