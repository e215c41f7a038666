import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import type { RedisClient } from './client.ts';
import { type Http, restClient, type UpstashOptions } from './rest.ts';

/** Upstash's REST API through `@upstash/redis`. */
export function upstashClient(options: UpstashOptions): RedisClient {
  return restClient(
    options,
    ({ url, token }, config) => new Library({ ...config, url, token, enableTelemetry: false }).http,
  );
}

/** Shows the library's HTTP client: its methods for the single commands would decode what they answer. */
class Library extends Redis {
  readonly http: Http;

  constructor(config: RedisConfigNodejs) {
    super(config);
    this.http = this.client as Http;
  }
}
