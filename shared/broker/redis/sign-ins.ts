import { randomBytes } from 'node:crypto';
import { keysOf } from '../keys.ts';
import { forgetTries, takeTry } from '../scripts/sign-ins.ts';
import { type RedisClient, text } from './client.ts';

/** What all servers of one dashboard share, so that a thousand of them allow no more tries than one. */
export interface SignInBroker {
  /**
   * Counts a try of this address, unless there were too many.
   * @returns milliseconds to wait; 0: it may be tried, and has been counted
   */
  take(address: string): Promise<number>;
  /** The try was a good one: it and those before it no longer count. */
  forget(address: string): Promise<void>;
  /** A secret of this dashboard, made when it is first asked for. Whoever may read Redis may know it. */
  formSecret(): Promise<string>;
}

/** Tries in one window, of one address and of all. */
export const signInLimits = { address: 10, all: 200, window: 15 * 60_000 };

/** @param namespace prefix of every key */
export function redisSignInBroker(client: RedisClient, namespace: string, limits = signInLimits): SignInBroker {
  const { tries, formSecret } = keysOf(namespace).dashboard;
  const keysFor = (address: string) => [tries(network(address)), tries()];
  return {
    async take(address) {
      return Number(await client.script(takeTry, keysFor(address), [limits.address, limits.all, limits.window]));
    },

    async forget(address) {
      await client.script(forgetTries, keysFor(address), []);
    },

    async formSecret() {
      await client.command(['SET', formSecret, randomBytes(32).toString('base64url'), 'NX']);
      return text(await client.command(['GET', formSecret]));
    },
  };
}

/** Of IPv6, the first 64 bits: one customer of a provider has all addresses behind them. */
function network(address: string): string {
  if (!address.includes(':') || /^::ffff:\d+\./i.test(address)) return address;
  const [front = '', back] = address.split('::');
  const groups = front === '' ? [] : front.split(':');
  const behind = back === undefined || back === '' ? [] : back.split(':');
  while (back !== undefined && groups.length + behind.length < 8) groups.push('0');
  return [...groups, ...behind].slice(0, 4).join(':').toLowerCase();
}
