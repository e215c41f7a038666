import { defineJob } from '../../../shared/index.ts';

export default [defineJob({ class: 'Any', perform() {} })];
