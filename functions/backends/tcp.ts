import { tcpClient } from '../../shared/broker/redis/tcp.ts';
import { ConfigError } from '../../shared/index.ts';
import { parseRedisUrl } from '../../shared/internal.ts';
import type { SecretRef } from '../contract/settings.ts';
import { type Connect, nameOf, type ReadSecret, type SecretForm, settingValue, wrongBundle } from './backend.ts';

/** @param cluster whether it is known to be one, whatever the URL says */
const urlForm = (cluster: boolean): SecretForm => ({
  like:
    'a URL such as rediss://user:password@host:6379, redis://host:6379?cluster or redis+sentinel://host:26379/name, with ' +
    'each of : # / ? @ % in a user or password percent-encoded',
  accepts(value) {
    try {
      parseRedisUrl(inCluster(value, cluster));
      return true;
    } catch {
      return false;
    }
  },
});

function inCluster(url: string, cluster: boolean): string {
  if (!cluster || /[?&]cluster\b/.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}cluster`;
}

export const connect: Connect = async (redis, readSecret) => {
  if (redis.kind !== 'tcp') throw wrongBundle('tcp', redis.kind);
  const { cluster = false, auth } = redis;
  const url = inCluster(await settingValue(redis.url, readSecret, urlForm(cluster)), cluster);
  return tcpClient({ url, ...(auth ? await credentials(auth, readSecret) : {}) });
};

/** A secret that is the password; or JSON with `password` and perhaps `username`, as AWS rotates them. */
async function credentials(ref: SecretRef, readSecret: ReadSecret): Promise<{ username?: string; password: string }> {
  const secret = (await readSecret(ref)).trim();
  let fields: { username?: unknown; password?: unknown } | undefined;
  if (secret.startsWith('{')) {
    try {
      fields = JSON.parse(secret);
    } catch {
      // A password may begin with a brace.
    }
  }
  const password = fields ? fields.password : secret;
  if (typeof password !== 'string' || password === '') {
    throw new ConfigError(
      `The secret ${nameOf(ref)} must hold the password alone, or JSON such as {"username":"…","password":"…"} (not shown).`,
    );
  }
  const { username } = fields ?? {};
  return typeof username === 'string' && username !== '' ? { username, password } : { password };
}
