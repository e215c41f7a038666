import { ConfigError, type LambdesqueError, RedisAuthError } from '../../errors.ts';
import { listNodes, type RedisTarget } from './url.ts';

/**
 * Why no Sentinel led to a primary, from what the library has to say of each; undefined where they were not reached.
 * @param said such as `failed to connect to sentinel 10.0.0.1:26379 because NOAUTH Authentication required.`
 */
export function sentinelError(
  said: readonly string[],
  { name, nodes }: Pick<Extract<RedisTarget, { kind: 'sentinel' }>, 'name' | 'nodes'>,
): LambdesqueError | undefined {
  const sentinels = `The Sentinels at ${listNodes(nodes)}`;
  const saying = (pattern: RegExp) => said.map((one) => pattern.exec(one)?.[0]).find((found) => found !== undefined);
  const refusal = saying(/\b(NOAUTH|WRONGPASS|NOPERM)\b.*/);
  if (refusal !== undefined) {
    return new RedisAuthError(
      `${sentinels} refuse the credentials: "${refusal}". Theirs are apart from those of Redis: give them in the URL's ` +
        'query, ?sentinelPassword=…, and &sentinelUsername=… if they have users.',
    );
  }
  if (saying(/unknown command/) !== undefined) {
    return new ConfigError(
      `${sentinels} are none: they do not know the command SENTINEL. A Redis has the URL redis://host:port; Sentinels have ` +
        'a port of their own, which is 26379 unless it was changed.',
    );
  }
  if (saying(/no such master|invalid reply: null/i) !== undefined) {
    return new ConfigError(
      `${sentinels} know no primary named ${JSON.stringify(name)}. The command SENTINEL MASTERS on one of them lists the names.`,
    );
  }
  return undefined;
}
