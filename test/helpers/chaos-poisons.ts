import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

const never = () => new Promise<never>(() => {});

/** Handlers that end or block their process, by name. */
export const poisons = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  'kill-later': () => delay(300).then(() => process.kill(process.pid, 'SIGKILL')),
  exit: () => process.exit(1),
  abort: () => process.abort(),
  memory: () => {
    const hoard: unknown[] = [];
    for (;;) hoard.push(new Array(100_000).fill(0).map(() => ({ n: Math.random() })));
  },
  loop: () => {
    for (;;);
  },
  /** Promises only: no timer and no socket ever gets its turn. */
  microtasks: async () => {
    for (;;) await undefined;
  },
  /** Stands still without any use of the processor. */
  sleep: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  'stray-event': () => {
    setTimeout(() => new EventEmitter().emit('error', new Error('a socket that nobody listens to')), 50);
    return never();
  },
  'stray-throw': () => {
    setTimeout(() => {
      throw new Error('thrown from a timer');
    }, 50);
    return never();
  },
  'stray-tick': () => {
    process.nextTick(() => {
      throw new Error('thrown from a tick');
    });
    return never();
  },
} as const satisfies Record<string, () => unknown>;

export type PoisonKind = keyof typeof poisons;
export const poisonKinds = Object.keys(poisons) as PoisonKind[];
