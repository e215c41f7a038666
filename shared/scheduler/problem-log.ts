import type { WrongKey } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { LogFields, Logger } from '../log.ts';

/** The same is logged again after this time, ms. */
const AGAIN_MS = 600_000;
/** Keys that are named in this time: there may be thousands. */
const MOST_KEYS = 20;

/**
 * What a scheduler meets at each tick and steps over: keys that cannot be used, steps that fail. Each is logged once in
 * ten minutes.
 */
export class ProblemLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** When each was logged, ms. */
  readonly #keys = new Map<string, number>();
  readonly #others = new Map<string, number>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  report(wrong: readonly WrongKey[]): void {
    if (wrong.length === 0) return;
    this.#forget(this.#keys);
    for (const { key, error } of wrong) {
      if (this.#keys.size > MOST_KEYS || this.#keys.has(key)) continue;
      this.#keys.set(key, this.#clock.now());
      if (this.#keys.size > MOST_KEYS) {
        this.#log.error('More keys in Redis cannot be used than are named; they are passed over', { named: MOST_KEYS });
      } else {
        this.#log.error('A key in Redis cannot be used as it is; it is passed over, and everything else goes on', {
          key: key.length > 200 ? `${key.slice(0, 200)}…` : key,
          problem: error,
          remedy: remedyFor(error),
        });
      }
    }
  }

  /** @param what its identity */
  reportOnce(what: string, message: string, fields: LogFields): void {
    this.#forget(this.#others);
    if (this.#others.has(what)) return;
    this.#others.set(what, this.#clock.now());
    this.#log.error(message, fields);
  }

  reportFailure(step: string, error: Error): void {
    const message = 'A step of the scheduler failed; the others go on, and the next tick tries it again';
    this.reportOnce(`step ${step} ${error.message}`, message, { step, error });
  }

  #forget(logged: Map<string, number>): void {
    const now = this.#clock.now();
    for (const [what, at] of logged) if (now - at >= AGAIN_MS) logged.delete(what);
  }
}

function remedyFor(error: string): string {
  if (/NOPERM|can't run this command|can't access/i.test(error)) return 'Check the rights (ACL) of the Redis user.';
  if (/^(OOM|READONLY|MISCONF|NOREPLICAS)/.test(error))
    return 'It is Redis as a whole that refuses; its log says more.';
  if (/WRONGTYPE|it is an? \w+, not/.test(error)) {
    return 'See what it is with TYPE, and who writes it; then RENAME or DEL it.';
  }
  if (/as a wrong clock leaves it/.test(error)) return 'None is needed, if the clocks are right now.';
  return 'Look at what stands there, and remove it.';
}
