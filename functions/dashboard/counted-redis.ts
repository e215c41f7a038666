import type { RedisClient } from '../../shared/internal.ts';

/** A client that counts what is sent, and hands it to another: on Lambda to a new one with each invocation. */
export class CountedRedis implements RedisClient {
  /** A script is one. */
  sent = 0;
  current: RedisClient;

  constructor(first: RedisClient) {
    this.current = first;
  }

  get address(): string {
    return this.current.address;
  }

  get cluster(): boolean {
    return this.current.cluster ?? false;
  }

  command(...given: Parameters<RedisClient['command']>): ReturnType<RedisClient['command']> {
    this.sent++;
    return this.current.command(...given);
  }

  script(...given: Parameters<RedisClient['script']>): ReturnType<RedisClient['script']> {
    this.sent++;
    return this.current.script(...given);
  }

  close(): Promise<void> {
    return this.current.close();
  }
}
