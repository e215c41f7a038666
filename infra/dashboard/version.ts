import { createRequire } from 'node:module';

/** Of this package, here and where it is installed. */
export const version = (createRequire(import.meta.url)('lambdesque/package.json') as { readonly version: string })
  .version;
