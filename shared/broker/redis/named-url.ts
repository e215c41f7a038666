import { ConfigError } from '../../errors.ts';

/** Variables by name, as `process.env` has them. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The URL that the environment names, and the variable that holds it: `REDIS_URL`, or the variable that `REDIS_PROVIDER`
 * names, which goes first, as in goworker.
 * @throws ConfigError if `REDIS_PROVIDER` names nothing
 */
export function namedUrl(env: Environment): { readonly url: string; readonly variable: string } | undefined {
  const variable = urlVariable(env);
  const url = env[variable];
  return url ? { url, variable } : undefined;
}

function urlVariable(env: Environment): string {
  const provider = env['REDIS_PROVIDER'];
  if (!provider) return 'REDIS_URL';
  if (!/^\w+$/.test(provider)) {
    // Often the URL itself: not repeated, for the password in it.
    throw new ConfigError(
      'REDIS_PROVIDER is not the name of an environment variable. Set it to the name of the variable that holds the ' +
        'URL, or put the URL itself in REDIS_URL and unset REDIS_PROVIDER.',
    );
  }
  if (!env[provider]) {
    throw new ConfigError(
      `REDIS_PROVIDER is ${provider}, but ${provider} is ${env[provider] === '' ? 'empty' : 'not set'}. ` +
        `Set ${provider} to a redis:// or rediss:// URL, or unset REDIS_PROVIDER.`,
    );
  }
  return provider;
}
