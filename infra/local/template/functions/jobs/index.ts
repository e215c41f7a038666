import { Welcome } from './welcome.ts';

/** The job classes that workers run. */
export default [Welcome];
