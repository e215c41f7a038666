/** Times as Ruby Resque writes them, always UTC. Each parses as a date in Ruby, PHP and JavaScript. */
export const resqueTime = {
  /** `2026/11/20 20:29:37 UTC`, in a failed entry */
  failedAt: (time: Date) => `${date(time, '/')} ${timeOfDay(time)} UTC`,
  /** `2026-11-20T20:29:37Z`, in `worker:<id>` */
  runAt: (time: Date) => `${date(time, '-')}T${timeOfDay(time)}Z`,
};

function date(time: Date, separator: string): string {
  return time.toISOString().slice(0, 10).replaceAll('-', separator);
}

function timeOfDay(time: Date): string {
  return time.toISOString().slice(11, 19);
}
