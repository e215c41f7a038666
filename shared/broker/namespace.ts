import { defaultNamespace } from '../config.ts';
import { ConfigError } from '../errors.ts';
import { shown } from '../options.ts';

/**
 * The prefix of every key, from what was configured: everything that takes a namespace takes it through this function.
 * Ruby's Resque writes a namespace without its colon and goworker with it; `app` and `app:` are the same.
 *
 * In a Redis Cluster the keys of one call have to be in one slot, so there the namespace is a hash tag: `{app}:`.
 * @param given @default `resque:`, or `{resque}:` in a cluster
 * @param cluster whether Redis is known to be a cluster; `client.cluster` says so
 * @throws ConfigError
 */
export function namespaceOf(given: string | undefined, cluster = false): string {
  if (given === undefined) return cluster ? `{${defaultNamespace.slice(0, -1)}}:` : defaultNamespace;
  if (typeof given !== 'string') {
    throw new ConfigError(`The namespace must be a text, such as ${defaultNamespace}; got ${shown(given)}.`);
  }
  if (given === '' || given === ':' || /^\s|\s$/.test(given)) {
    throw new ConfigError(
      `The namespace must not be empty, nor begin or end with white space: it is the prefix of every key, such as ${defaultNamespace}; ` +
        `got ${JSON.stringify(given)}.`,
    );
  }
  const namespace = given.endsWith(':') ? given : `${given}:`;
  if (cluster && !HASH_TAG.test(namespace)) {
    const name = namespace.slice(0, -1).replace(/[{}]/g, '');
    throw new ConfigError(
      `The namespace ${namespace} cannot be used in a Redis Cluster, since its keys would be in many slots. Use a hash tag, ` +
        `such as {${name}}:, here and in every producer.`,
    );
  }
  return namespace;
}

/** What a cluster hashes instead of the whole key: between the first `{` and the next `}`, if that is not empty. */
const HASH_TAG = /^[^{]*\{[^}]+\}/;
