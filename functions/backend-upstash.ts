import { upstashClient } from 'lambdesque/upstash';
import { type Connect, settingValue, wrongBundle } from './backend.ts';

export const connect: Connect = async (redis, readSecret) => {
  if (redis.kind !== 'upstash') throw wrongBundle('upstash', redis.kind);
  const [url, token] = await Promise.all([
    settingValue(redis.url, readSecret, {
      pattern: /^https?:\/\/[^\s/@]+\/?$/,
      like: 'a URL such as https://<name>.upstash.io',
    }),
    settingValue(redis.token, readSecret, { pattern: /^\S+$/, like: 'the REST token alone' }),
  ]);
  return upstashClient({ url, token });
};
