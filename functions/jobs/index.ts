import { Hello } from './hello.ts';

/** The job classes that are deployed. */
export default [Hello];
