/** Where each page is. Names are put into the query, where they may hold anything. */
export const paths = {
  overview: '/',
  queues: '/queues',
  queue: '/queue',
  search: '/search',
  job: '/job',
  payload: '/payload',
  failed: '/failed',
  failedEntries: '/failed/entries',
  failedEntry: '/failed/entry',
  failedExport: '/failed/export',
  scheduled: '/scheduled',
  limits: '/limits',
  gate: '/limit',
  locks: '/locks',
  flows: '/flows',
  flow: '/flow',
  cron: '/cron',
  workers: '/workers',
  costs: '/costs',
  settings: '/settings',
  metrics: '/metrics',
  signIn: '/sign-in',
  signOut: '/sign-out',
} as const;

type Query = Readonly<Record<string, string | number | undefined>>;

/** A path with its query, behind one that it may have; what is undefined or empty is left out. */
export function to(path: string, query: Query = {}): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(set.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return text === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${text}`;
}
