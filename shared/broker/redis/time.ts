import { LambdesqueError } from '../../errors.ts';
import { type Argument, list, type RedisClient, type Reply, type Script, text } from './client.ts';

/** What a script is told of the time: epoch ms, or '' to ask Redis itself. */
export type TimeSource = () => number | '';

/**
 * Runs scripts that need to know the time, which is their first ARGV; see `NOW`. There is one clock, Redis's: whoever
 * calls may be minutes off, and may be set right while it runs.
 *
 * Where the server does not let a script ask (an ACL without TIME, Redis before 5), its clock is compared with ours once,
 * and ours, which is monotonic, goes on from there. Where it does not say its time at all, ours is all there is.
 * @param source of a test that moves the time by hand. @default Redis
 */
export function timedScripts(client: RedisClient, source: TimeSource = () => ''): RedisClient['script'] {
  let time = source;
  return async (script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply> => {
    const now = time();
    try {
      return await client.script(script, keys, [now, ...args]);
    } catch (error) {
      // To ask is the first thing that a script does: nothing has been changed.
      if (now !== '' || !refusesTime(error)) throw error;
      const offset = await offsetOf(client);
      const ours = () => Math.round(performance.now() + offset);
      const answer = await client.script(script, keys, [ours(), ...args]);
      time = ours;
      return answer;
    }
  };
}

/** Redis's clock, epoch ms. */
export async function timeOf(client: Pick<RedisClient, 'command'>, source: TimeSource = () => ''): Promise<number> {
  const given = source();
  if (given !== '') return given;
  const [seconds, micros] = list(await client.command(['TIME'])).map((part) => Number(text(part)));
  return (seconds ?? 0) * 1000 + Math.floor((micros ?? 0) / 1000);
}

/** Lua: `now(ARGV[1])` → epoch ms, a whole number. */
export const NOW = `
local function now(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/** In the words of Redis 7, 6 and before 5, and of proxies that know only some commands. */
const REFUSED = /can't run this command|NOPERM|non.?deterministic|unknown (redis )?command|not allowed from script/i;

function refusesTime(error: unknown): boolean {
  return error instanceof LambdesqueError && REFUSED.test(error.message);
}

/** By how much Redis's clock is ahead of `performance.now()`, ms. */
async function offsetOf(client: RedisClient): Promise<number> {
  const before = performance.now();
  try {
    const [seconds, micros] = list(await client.command(['TIME'])).map((part) => Number(text(part)));
    // The answer was made half a round trip ago.
    return (seconds ?? 0) * 1000 + (micros ?? 0) / 1000 - (before + performance.now()) / 2;
  } catch {
    return Date.now() - performance.now();
  }
}
