import { SHOWN_UNITS } from '../../shared/internal.ts';

/** A length of time in one unit: `12 s`, `5 min`, `3 h`, `2 d`. @param ms 0 or more */
export function roughly(ms: number): string {
  // Two of a unit before it is used: 90 min tell more than 1 h.
  const [length, name] = SHOWN_UNITS.find(([one]) => ms >= 2 * one) ?? [1_000, 's'];
  return `${Math.round(ms / length)} ${name}`;
}

/** `5 min ago`, `in 2 h`, `now`; '' for no time. @param now epoch ms */
export function ago(time: Date | undefined, now: number): string {
  if (time === undefined) return '';
  const ms = now - time.getTime();
  if (Math.abs(ms) < 1_000) return 'now';
  return ms > 0 ? `${roughly(ms)} ago` : `in ${roughly(-ms)}`;
}

/** `2026-11-20 20:29:37 UTC, 5 min ago`; '' for no time. @param now epoch ms */
export function moment(time: Date | undefined, now: number): string {
  if (time === undefined) return '';
  // Years beyond 9999 have a sign and two digits more.
  const [, day, clock] = /^(\S+)T(\d\d:\d\d:\d\d)/.exec(time.toISOString()) ?? [];
  return `${day} ${clock} UTC, ${ago(time, now)}`;
}
