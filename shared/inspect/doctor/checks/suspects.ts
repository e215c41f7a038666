import { jobView } from '../../job-view.ts';
import { type Check, counted, type Diagnosis, listed, quoted } from '../finding.ts';

/** Queues, and payloads and bytes of them, that are looked at. */
const MOST_QUEUES = 100;
const MOST = { most: 20_000, bytes: 8_388_608, limit: 200 };
/** What a record of attempts begins with. */
const RECORD = '"lambdesque":{"id":"';
const DAY_MS = 86_400_000;
const DIED = 'WorkerDiedError';

export const suspects: Check = {
  name: 'suspects',
  async run({ deps, queues }) {
    const names = (await queues()).filter(({ size }) => size > 0).map(({ name }) => name);
    const lists = names.slice(0, MOST_QUEUES).map((name) => ({ kind: 'queue', name }) as const);
    const found: Diagnosis[] = [];
    const search =
      lists.length === 0 ? [] : (await deps.lists.search(lists, { towards: 'tail', texts: [RECORD], ...MOST })).found;
    const jobs = search
      .map(({ bytes, list }) => jobView(bytes, { state: 'queued', queue: list.name, place: '' }))
      .filter(({ deaths }) => deaths > 0);
    if (jobs.length > 0) {
      const classes = [...new Set(jobs.map((job) => job.class ?? 'no class'))];
      const worst = Math.max(...jobs.map(({ deaths }) => deaths));
      found.push({
        severity: worst > 1 ? 'warning' : 'notice',
        problem: `${counted(jobs.length, 'waiting job was', 'waiting jobs were')} held by workers that died${worst > 1 ? `, up to ${worst} times` : ''}: ${listed(classes)}.`,
        subjects: jobs.map((job) => job.id ?? job.payload.slice(0, 100)),
        meaning:
          'One of them may have killed its worker. It runs with nothing beside it after two deaths, and goes to the failed list after three.',
        remedy: `lambdesque jobs find --state queued --class ${quoted(classes[0] ?? '')}; remove what kills with lambdesque jobs rm <id>`,
      });
    }
    const since = new Date((await deps.store.time()) - DAY_MS);
    const killers = await deps.failed.page({ exception: DIED, since, limit: 100 });
    if (killers.items.length > 0) {
      const classes = [...new Set(killers.items.map((entry) => entry.class ?? 'no class'))];
      found.push({
        severity: 'warning',
        problem: `${counted(killers.items.length, 'job')} failed since yesterday because workers died with ${killers.items.length === 1 ? 'it' : 'them'}: ${listed(classes)}.`,
        subjects: classes,
        meaning:
          'Handlers that end their process, run out of memory or block it; or workers that are killed while they run.',
        remedy: `lambdesque failed --exception ${DIED} --since 1d`,
      });
    }
    return found;
  },
};
