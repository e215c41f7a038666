/** Jobs that end or block the process that runs them, among jobs that did nothing. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bed, payloadOf, type Scene } from '../helpers/chaos-bed.ts';
import { idOf } from '../helpers/chaos-held-jobs.ts';
import { type PoisonKind, poisonKinds } from '../helpers/chaos-poisons.ts';
import { until } from '../helpers/chaos-wait.ts';
import { outputLines } from '../helpers/supervisor.ts';

/** What the innocent jobs do: nothing, wait 1 ms, wait 2 s (as long as the lease), or some of each. */
export type Innocents = 'noop' | '1ms' | 'slow' | 'mixed';

export interface PoisonCase {
  readonly poison: PoisonKind;
  readonly concurrency: number;
  readonly workers: number;
  readonly innocents: Innocents;
  /** So many of them, with a few innocent jobs between them. @default 1 */
  readonly poisons?: number;
  /** They come in another queue, one for each start of a worker or failed one. @default in the middle of the innocents */
  readonly fresh?: true;
}

const CONCURRENCIES = [1, 2, 25];
const WORKERS = [1, 3];
const KINDS: readonly Innocents[] = ['noop', '1ms', 'slow', 'mixed'];

/**
 * Every poison at every concurrency with one worker and several. The innocents take turns: four rounds have every
 * combination.
 * @param round from 0
 */
export function poisonCases(round: number): PoisonCase[] {
  return poisonKinds.flatMap((poison, i) => [
    ...CONCURRENCIES.flatMap((concurrency, j) =>
      WORKERS.map((workers, k): PoisonCase => {
        const innocents = KINDS[(round + i + j + k) % KINDS.length] ?? 'mixed';
        return { poison, concurrency, workers, innocents };
      }),
    ),
    { poison, concurrency: 10, workers: 1, innocents: 'slow', poisons: 4, fresh: true },
    { poison, concurrency: 5, workers: 2, innocents: 'mixed', poisons: 2 },
  ]);
}

export const nameOf = ({ poison, concurrency, workers, innocents, poisons = 1, fresh }: PoisonCase): string =>
  `${poisons} × ${poison} ${fresh ? 'arriving fresh beside' : 'among'} ${innocents} jobs, concurrency ${concurrency}, ` +
  `${workers} worker${workers === 1 ? '' : 's'}`;

/** Promised: so many workers die of one poison job at most. */
const DEATHS = 3;
const NOOPS = 300;
const ONE_MS = 150;
/** Slow enough to be there at each death; few, since at concurrency 1 they come one after the other. */
const SLOW = 4;
const SLOW_MS = 2_000;
/** Places from one poison job to the next. */
const BETWEEN = 20;
/** Of V8's heap, MB: enough for the command line, soon full. */
const HEAP = 96;
/** How many of many are named in a message. */
const SHOWN = 3;

/** Payloads of innocent jobs, in the order of their queue. A job with a single attempt has none to lose. */
function innocentsOf(kind: Innocents): string[] {
  const list = (count: number, name: string, ...work: (string | number)[]) =>
    Array.from({ length: count }, (_, i) =>
      payloadOf(i % 2 === 0 ? 'Succeed' : 'OneAttempt', `${name}${i + 1}`, ...work),
    );
  const noops = () => list(NOOPS, 'noop', 'noop');
  const short = () => list(ONE_MS, 'ms', 'wait', 1);
  const slow = () => list(SLOW, 'slow', 'wait', SLOW_MS);
  if (kind === 'noop') return noops();
  if (kind === '1ms') return short();
  if (kind === 'slow') return slow();
  const mixed = [...noops(), ...short()];
  // Half of the slow ones on each side of the poison in the middle.
  const half = mixed.length / 2;
  mixed.splice(half + 1, 0, ...slow().slice(SLOW / 2));
  mixed.splice(half - 1, 0, ...slow().slice(0, SLOW / 2));
  return mixed;
}

/** Spaces, escapes and numbers that show if it is written anew. */
const poisonPayload = (id: string, poison: PoisonKind) =>
  String.raw`{ "class" : "Poison", "args":["${id}","${poison}",1.0,12345678901234567890,"\/"] }`;

/** @returns what was promised and did not happen; empty if all did */
export async function runPoison(bed: Bed, one: PoisonCase, patience = 90_000): Promise<string[]> {
  const scene = bed.scene(one.poison);
  const innocents = innocentsOf(one.innocents);
  const ids = innocents.map((payload) => idOf(payload) ?? '');
  const poisonIds = Array.from({ length: one.poisons ?? 1 }, (_, i) => `poison${i + 1}`);
  const payloads = poisonIds.map((id) => poisonPayload(id, one.poison));
  const middle = Math.ceil(innocents.length / 2);
  const fresh = one.fresh ? [...payloads] : [];
  if (!one.fresh) for (const [i, payload] of payloads.entries()) innocents.splice(middle + i * BETWEEN, 0, payload);
  await scene.push(innocents);

  const queues = [scene.queue(), scene.queue('fresh')].join();
  for (let i = 0; i < one.workers; i++) {
    scene.work(['--queues', queues, '--concurrency', String(one.concurrency)], {
      env: one.poison === 'memory' ? { NODE_OPTIONS: `--max-old-space-size=${HEAP}` } : {},
    });
  }
  const pushFresh = async () => {
    const due = scene.lives.length + (await scene.failed()).length;
    while (fresh.length > payloads.length - due) {
      const next = fresh.shift();
      if (next === undefined) return;
      await scene.push([next], scene.queue('fresh'));
    }
  };
  const look = async () => {
    await pushFresh();
    return isOver(scene, poisonIds, ids);
  };
  const over = await until(look, {
    patience,
    progress: () => `${scene.log.starts} ${scene.lives.length}`,
    interval: 100,
  });
  const wrong = over ? [] : [`not over, and nothing started for ${patience / 1000} s`];
  wrong.push(...(await check(scene, payloads, poisonIds, ids)));
  if (wrong.length === 0 && BLOCKING.includes(one.poison))
    wrong.push(...(await blockedEnd(scene, poisonIds, patience)));
  // Where poison is about, no worker ends as it should.
  if (wrong.length === 0) wrong.push(...(await scene.end()));
  await scene.close();
  return wrong;
}

/** All poison jobs are in `failed` and all innocents have ended; or more went wrong than may. */
async function isOver(scene: Scene, poisonIds: readonly string[], innocents: readonly string[]): Promise<boolean> {
  const failed = new Set((await scene.failed()).map(({ id }) => id ?? ''));
  if (deaths(scene) > DEATHS * poisonIds.length || innocents.some((id) => failed.has(id))) return true;
  if (!poisonIds.every((id) => failed.has(id))) return false;
  const ended = endedWell(scene);
  return innocents.every((id) => ended.has(id)) && (await scene.waiting(...queuesOf(scene))) === 0;
}

async function check(
  scene: Scene,
  payloads: readonly string[],
  poisonIds: readonly string[],
  innocents: readonly string[],
): Promise<string[]> {
  const wrong: string[] = [];
  const died = deaths(scene);
  if (died > DEATHS * poisonIds.length) {
    const hows = scene.lives.map(({ how }) => how ?? 'lives').join(', ');
    wrong.push(`${died} workers died of ${poisonIds.length} poison job(s), not ${DEATHS} each at most: ${hows}`);
  }
  const failed = await scene.failed();
  for (const [i, id] of poisonIds.entries()) {
    const entries = failed.filter((entry) => entry.id === id);
    const starts = scene.log.read().runs.filter((run) => run.id === id).length;
    if (entries.length !== 1) wrong.push(`${id} is ${entries.length} times in failed, after ${starts} starts`);
    const [entry] = entries;
    if (!entry) continue;
    if (!entry.text.includes(`"payload":${payloads[i]},`)) wrong.push(`its bytes changed: ${entry.text}`);
    if (!CAUSE.test(`${entry.exception}: ${entry.error}`)) {
      wrong.push(`failed does not name the cause: ${entry.exception}: ${entry.error}`);
    }
  }
  const convicted = failed.filter((entry) => !poisonIds.includes(entry.id ?? ''));
  if (convicted.length > 0) {
    const texts = convicted.slice(0, SHOWN).map(({ id, exception, error }) => {
      const starts = scene.log.runs.filter((run) => run.id === id).length;
      return `${id} after ${starts} starts, ${exception}: ${error}`;
    });
    wrong.push(`${convicted.length} innocents are in failed: ${texts.join('; ')}`);
  }
  const ended = endedWell(scene);
  const missing = innocents.filter((id) => !ended.has(id));
  if (missing.length > 0)
    wrong.push(`${missing.length} innocents never ended: ${missing.slice(0, SHOWN).join(', ')} …`);
  return wrong;
}

/** A job is given to others when the lease ends; the process that it blocks ends itself soon after. */
async function blockedEnd(scene: Scene, poisonIds: readonly string[], patience: number): Promise<string[]> {
  const pids = new Set(scene.log.read().runs.flatMap(({ id, pid }) => (poisonIds.includes(id) ? [pid] : [])));
  const blocked = () => scene.lives.filter(({ pid, how }) => pids.has(pid) && how === undefined);
  await until(() => blocked().length === 0, { patience });
  const still = blocked().map(({ pid, name }) => `${name} (process ${pid}) is still blocked`);
  return deaths(scene) > DEATHS * poisonIds.length ? [...still, `${deaths(scene)} workers died in the end`] : still;
}

const BLOCKING: readonly PoisonKind[] = ['loop', 'microtasks', 'sleep', 'stall'];

/** That its worker died or lost its lease, or what was thrown. */
const CAUSE = /worker|lease|died|death|nobody listens|thrown from/i;

const deaths = (scene: Scene) => scene.workers.reduce((sum, { crashes }) => sum + crashes.length, 0);

const endedWell = (scene: Scene) =>
  new Set(scene.log.read().runs.flatMap((run) => (run.end?.well === true ? [run.id] : [])));

const queuesOf = (scene: Scene) => [scene.queue(), scene.queue('fresh')];

/**
 * Five jobs that were held by a worker that died wait behind a gate; healthy ones behind them must start while places are
 * free, before the gate opens.
 */
export async function runSuspects(bed: Bed, patience = 90_000): Promise<string[]> {
  const scene = bed.scene('suspects');
  const SUSPECTS = 5;
  const HEALTHY = 100;
  const gate = join(scene.folder, 'gate');
  await scene.push(Array.from({ length: SUSPECTS }, (_, i) => payloadOf('Gated', `suspect${i + 1}`, gate)));
  const worker = scene.work(['--queues', scene.queue(), '--concurrency', String(2 * SUSPECTS)]);
  await until(() => scene.log.starts === SUSPECTS, { patience });
  await worker.kill();
  await until(() => scene.log.starts === 2 * SUSPECTS, { patience });
  await scene.push(Array.from({ length: HEALTHY }, (_, i) => payloadOf('Succeed', `healthy${i + 1}`, 'noop')));
  const healthy = () => [...endedWell(scene)].filter((id) => id.startsWith('healthy')).length;
  await until(() => healthy() === HEALTHY, { patience: patience / 3 });
  const wrong =
    healthy() === HEALTHY ? [] : [`${healthy()} of ${HEALTHY} healthy jobs ran beside ${SUSPECTS} suspects`];
  writeFileSync(gate, '');
  if (!(await until(async () => endedWell(scene).size === HEALTHY + SUSPECTS, { patience }))) {
    wrong.push(`${endedWell(scene).size} of ${HEALTHY + SUSPECTS} jobs ended`);
  }
  const failed = await scene.failed();
  if (failed.length > 0) wrong.push(`in failed: ${failed.map(({ text }) => text).join('\n')}`);
  const errors = outputLines(scene.lives.at(-1) ?? { output: '' }).filter((line) => line.level === 'error');
  return [...wrong, ...errors.map(({ msg }) => `logged: ${msg}`), ...(await scene.end())];
}
