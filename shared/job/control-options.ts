import { type Duration, type DurationRule, durationMs } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';

/** What is kept of a job beside its payload: state, attempts, progress, result and error. */
export interface TrackOptions {
  /** How long that is kept when the job has ended. @default '24h', as php-resque has it */
  readonly result?: Duration;
}

const TRACK = { result: true } satisfies OptionsOf<TrackOptions>;

const DEFAULT_KEPT_SECONDS = 86_400;

const KEPT: DurationRule = { least: 1_000, refuseSmall: true };
/** What a job has to have done by then; Infinity for no such time. */
const WITHIN: DurationRule = { least: 1, refuseSmall: true, endless: true };

/**
 * @param where what has the option, for messages
 * @returns seconds for which its record is kept when it has ended; undefined where it is not tracked
 * @throws ConfigError
 */
export function keptSeconds(where: string, track: boolean | TrackOptions | undefined): number | undefined {
  if (track === undefined || track === false) return undefined;
  if (track === true) return DEFAULT_KEPT_SECONDS;
  if (typeof track !== 'object' || track === null || Array.isArray(track)) {
    throw new ConfigError(`${where}: track must be true, false, or { result: '24h' }; got ${shown(track)}.`);
  }
  checkOptions(`${where}: track`, track, TRACK);
  if (track.result === undefined) return DEFAULT_KEPT_SECONDS;
  return Math.ceil(durationMs(track.result, `${where}: track.result`, KEPT) / 1000);
}

/** @param field what to call it in messages  @returns ms  @throws ConfigError */
export function withinMs(field: string, value: Duration): number {
  return durationMs(value, field, WITHIN);
}

/** @param field what to call it in messages  @returns the time, epoch ms; or how long after the job is due, ms  @throws ConfigError */
export function timeLimit(field: string, value: Duration | Date): { readonly at: number } | { readonly after: number } {
  if (typeof (value as Date | undefined)?.getTime !== 'function')
    return { after: durationMs(value, field, { ...WITHIN, also: 'a Date' }) };
  const at = (value as Date).getTime();
  if (at > 0) return { at };
  throw new ConfigError(`${field} must be a valid Date after 1970; got ${String(value)}.`);
}
