import type { ControlBroker } from '../broker/control-broker.ts';
import { ConfigError } from '../errors.ts';
import { shown } from '../options.ts';

/** Job classes, held back and let go. Each method throws ConfigError for a name that is none. */
export interface Classes {
  /**
   * No job of the class starts at workers of ours, from their next sync on, in whatever queue it is; of an ActiveJob the class
   * inside its wrapper. Those that workers meet are parked, and others in their queues do not wait for them; jobs that run go on.
   * One command.
   * @example await client.classes.pause('Report');
   */
  pause(className: string): Promise<void>;
  /** What was parked meanwhile goes to the heads of its queues, in order. 3 commands for each 500 jobs. @returns how many */
  resume(className: string): Promise<number>;
  /** Names of the classes that are paused, sorted. One command. */
  paused(): Promise<string[]>;
}

export function createClasses(control: ControlBroker): Classes {
  return {
    pause: async (className) => control.pauseClass(checkClass(className)),
    resume: async (className) => control.resumeClass(checkClass(className)),
    paused: () => control.pausedClasses(),
  };
}

/** @throws ConfigError */
function checkClass(name: unknown): string {
  if (typeof name === 'string' && name !== '' && !name.endsWith('*')) return name;
  throw new ConfigError(`A class must be given by its whole name, such as "Report"; got ${shown(name)}.`);
}
