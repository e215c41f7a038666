import { ConfigError } from 'lambdesque';
import { tcpClient } from 'lambdesque/tcp';
import type { SecretRef } from '../contract/settings.ts';
import { type Connect, nameOf, type ReadSecret, settingValue, wrongBundle } from './backend.ts';

const URL_FORM = {
  pattern: /^rediss?:\/\/[^\s/]+(\/\d*)?$/,
  like: 'a URL such as rediss://user:password@host:6379',
};

export const connect: Connect = async (redis, readSecret) => {
  if (redis.kind !== 'tcp') throw wrongBundle('tcp', redis.kind);
  const url = await settingValue(redis.url, readSecret, URL_FORM);
  if (!redis.auth) return tcpClient({ url });
  if (!URL.canParse(url)) {
    throw new ConfigError('redis.url must look like redis[s]://host[:port][/database], without user or password.');
  }
  const { username, password } = await credentials(redis.auth, readSecret);
  const withLogin = new URL(url);
  withLogin.username = encodeURIComponent(username);
  withLogin.password = encodeURIComponent(password);
  return tcpClient({ url: withLogin.href });
};

/** A secret that is the password; or JSON with `password` and perhaps `username`, as AWS rotates them. */
async function credentials(ref: SecretRef, readSecret: ReadSecret): Promise<{ username: string; password: string }> {
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
  return { username: typeof fields?.username === 'string' ? fields.username : '', password };
}
