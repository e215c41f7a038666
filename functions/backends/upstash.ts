import { HttpClient } from 'lambdesque-upstash-http';
import { restClient } from '../../shared/internal.ts';
import { type Connect, settingValue, wrongBundle } from './backend.ts';

export const connect: Connect = async (redis, readSecret) => {
  if (redis.kind !== 'upstash') throw wrongBundle('upstash', redis.kind);
  const [url, token] = await Promise.all([
    settingValue(redis.url, readSecret, {
      accepts: (value) => /^https?:\/\/[^\s/@]+\/?$/.test(value),
      like: 'a URL such as https://<name>.upstash.io',
    }),
    settingValue(redis.token, readSecret, { accepts: (value) => /^\S+$/.test(value), like: 'the REST token alone' }),
  ]);
  return restClient(
    { url, token },
    (to, config) => new HttpClient({ ...config, baseUrl: to.url, headers: { authorization: `Bearer ${to.token}` } }),
  );
};
