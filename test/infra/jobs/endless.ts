import { defineJob } from '../../../shared/index.ts';

/** No invocation is long enough for it. */
export default [defineJob({ class: 'Endless', queue: 'mailers', timeout: Number.POSITIVE_INFINITY, perform() {} })];
