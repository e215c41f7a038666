import { keysOf } from '../keys.ts';
import { list, type RedisClient, text } from './client.ts';

/** What all servers of one API share, so that a signed request counts once, whoever gets it. */
export interface SeenRequestsBroker {
  /** Redis's, epoch ms. */
  time(): Promise<number>;
  /** @returns `new`: it is this caller's to do; `done`: it was done before; `under way`: another is at it, or died while it was */
  claim(id: string): Promise<'new' | 'done' | 'under way'>;
  /** It is not to be done again. @param ms for so long */
  done(id: string, ms: number): Promise<void>;
  /** It was not done, and may be sent again. */
  release(id: string): Promise<void>;
}

/** Whoever claimed a request has so long to do it, ms: then it may be sent again. */
const CLAIM_MS = 60_000;

/** @param namespace prefix of every key */
export function redisSeenRequestsBroker(client: RedisClient, namespace: string): SeenRequestsBroker {
  const { request } = keysOf(namespace).dashboard;
  return {
    async time() {
      const [seconds, micros] = list(await client.command(['TIME']));
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    },

    async claim(id) {
      if ((await client.command(['SET', request(id), 'claimed', 'NX', 'PX', String(CLAIM_MS)])) !== null) return 'new';
      return text(await client.command(['GET', request(id)])) === 'done' ? 'done' : 'under way';
    },

    async done(id, ms) {
      await client.command(['SET', request(id), 'done', 'PX', String(ms)]);
    },

    async release(id) {
      await client.command(['DEL', request(id)]);
    },
  };
}
