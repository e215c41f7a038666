import { type ControlBroker, MOST_CANCELLED } from '../control-broker.ts';
import { pauseGate, readRule, ruleText } from '../gate.ts';
import { keysOf } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { encodeStatKeys, encodeTimesKeys, fieldOf } from '../ops/stats.ts';
import { countDiscarded, orderCancel } from '../scripts/control.ts';
import { list, type RedisClient, text } from './client.ts';
import { openGatesOf } from './open-gates.ts';
import { type TimeSource, timedScripts, timeOf } from './time.ts';

/**
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisControlBroker(client: RedisClient, namespace: string, time?: TimeSource): ControlBroker {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);
  const gates = openGatesOf(client, script, keys);

  async function orders(prefix: string): Promise<(readonly [name: string, value: string])[]> {
    const flat = list(await client.command(['HGETALL', keys.control])).map(text);
    return flat.flatMap((field, i) => {
      return i % 2 === 0 && field.startsWith(prefix) ? [[field.slice(prefix.length), flat[i + 1] ?? ''] as const] : [];
    });
  }

  return {
    async limits() {
      return new Map(
        (await orders('queue:')).flatMap(([name, value]) => {
          const rule = readRule(value);
          return rule ? [[name, rule] as const] : [];
        }),
      );
    },

    async limit(queue, rule) {
      const field = `queue:${queue}`;
      await client.command(rule ? ['HSET', keys.control, field, ruleText(rule)] : ['HDEL', keys.control, field]);
    },

    async pausedClasses() {
      return (await orders('class:')).flatMap(([name, value]) => (value === 'paused' ? [name] : [])).sort();
    },

    async pauseClass(className) {
      await client.command(['HSET', keys.control, `class:${className}`, 'paused']);
    },

    async resumeClass(className) {
      await client.command(['HDEL', keys.control, `class:${className}`]);
      return await gates.empty(pauseGate(className));
    },

    async orderCancel(id, reason, ms) {
      return (await script(orderCancel, [keys.control], [id, reason, Math.ceil(ms), MOST_CANCELLED])) === 1;
    },

    async dropCancel(id) {
      return Number(await client.command(['HDEL', keys.control, `cancel:${id}`])) === 1;
    },

    async countDiscarded(queue = '', className) {
      const call = new ScriptCall([]);
      call.add(1);
      const now = await timeOf(client, time);
      encodeStatKeys(call, keys, now);
      encodeTimesKeys(call, keys, now);
      call.add(fieldOf(queue, className), queue, '0 0 0 1 0 0 0', '');
      await script(countDiscarded, call.keys, call.args);
    },
  };
}
