/** Which type each key of a namespace has; undefined for those that are not ours to judge. */
const SINGLE: Readonly<Record<string, string>> = {
  queues: 'set',
  failed: 'list',
  failed_queues: 'set',
  workers: 'set',
  'workers:heartbeat': 'hash',
  'pause-all-workers': 'string',
  delayed_queue_schedule: 'zset',
  'delayed:last_enqueued_at': 'hash',
  persistent_schedules: 'hash',
  schedules_changed: 'set',
  retry: 'zset',
  'retry:payloads': 'hash',
  leases: 'zset',
  flows: 'zset',
  'flows:ended': 'zset',
  'flows:lost': 'list',
  'flows:latest': 'hash',
  serial: 'hash',
  'queues:paused': 'set',
  control: 'hash',
  parked: 'zset',
  'cron:last': 'hash',
  'cron:since': 'hash',
  'cron:status': 'hash',
  'cron:paused': 'hash',
  'cron:version': 'string',
};
const PREFIXED: readonly (readonly [string, string])[] = [
  ['queue:', 'list'],
  ['delayed:', 'list'],
  ['timestamps:', 'set'],
  ['inflight:', 'hash'],
  ['flow:', 'hash'],
  ['parked:', 'list'],
  ['limit:', 'hash'],
  ['scheduler:lease:', 'string'],
  ['scheduler:wake:', 'hash'],
  ['scheduler:starts:', 'zset'],
  ['worker:', 'string'],
  ['unique:', 'string'],
  ['parked:', 'list'],
  ['stat:', 'string'],
  ['stats:day:', 'hash'],
  ['stats:minute:', 'hash'],
  ['stats:times:', 'hash'],
  ['stats:sizes:', 'string'],
];

/** Names of the keys that are there once. */
export const SINGLE_KEYS = Object.keys(SINGLE);

/** @param name without the namespace */
export function expectedType(name: string): string | undefined {
  if (Object.hasOwn(SINGLE, name)) return SINGLE[name];
  return PREFIXED.find(([prefix]) => name.startsWith(prefix))?.[1];
}
