import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

const never = () => new Promise<never>(() => {});

/** Work that handlers leave to a timer of the module's own, as a connection pool does: no error there tells its job. */
const shared: (() => void)[] = [];
setInterval(() => shared.shift()?.(), 20).unref();

/** Handlers that end or block their process, by name. */
export const poisons = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  'kill-later': () => delay(300).then(() => process.kill(process.pid, 'SIGKILL')),
  exit: () => process.exit(1),
  abort: () => process.abort(),
  memory: () => {
    const hoard: unknown[] = [];
    for (;;) hoard.push(new Array(5_000_000).fill(1.5));
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
  /** Longer than the lease, but not for ever. */
  stall: () => {
    const over = performance.now() + 5_000;
    while (performance.now() < over);
    return never();
  },
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
  'stray-shared': () => {
    shared.push(() => {
      throw new Error('thrown from a timer that many jobs share');
    });
    return never();
  },
  'stray-rejection': () => {
    void Promise.reject(new Error('thrown from a promise that nobody awaits'));
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
