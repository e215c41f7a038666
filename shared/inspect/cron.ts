import type { Broker } from '../broker/broker.ts';
import type { CronBroker, CronStatus } from '../broker/redis/cron.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import { stringify } from '../json.ts';
import { silentLogger } from '../log.ts';
import { type CronEntry, cronRule, splitTimeZone } from '../scheduler/cron/entry.ts';
import { cronPayload } from '../scheduler/cron/runner.ts';
import { CronTable } from '../scheduler/cron/table.ts';

/** A cron entry as it stands. */
export interface CronInfo {
  readonly name: string;
  /** From infra code, or from Redis. */
  readonly source: 'static' | 'dynamic';
  readonly class: string;
  readonly queue: string;
  /** Its timing in one text. */
  readonly timing: string;
  readonly description: string | undefined;
  readonly paused: boolean;
  readonly next: Date | undefined;
  /** Last slot that was enqueued, or passed over because of an overlap. */
  readonly last: Date | undefined;
  readonly status: CronStatus | undefined;
}

/** A dynamic entry that cannot be used. */
export interface BadCronInfo {
  readonly name: string;
  readonly source: 'dynamic';
  /** Names field and reason. */
  readonly error: string;
}

export interface CronClient {
  /** Writes a dynamic entry; resque-scheduler reads it too. @throws ConfigError if it is wrong, or a static one has its name */
  upsertCron(name: string, entry: CronEntry): Promise<void>;
  /** @returns whether there was one @throws ConfigError if it is a static one */
  removeCron(name: string): Promise<boolean>;
  listCron(): Promise<(CronInfo | BadCronInfo)[]>;
  /** Enqueues the entry's job once, besides its slots. @returns the job's id */
  runCronNow(name: string): Promise<string>;
  /** No slots while it is paused, and none of them afterwards. */
  pauseCron(name: string): Promise<void>;
  resumeCron(name: string): Promise<void>;
}

export interface CronClientOptions {
  readonly store: CronBroker;
  readonly jobs: Pick<Broker, 'enqueue'>;
  readonly registry: Registry;
  /** The static entries, to be listed and run too. @default none */
  readonly entries?: Readonly<Record<string, CronEntry>>;
  /** Of the scheduler that runs the entries: `rails_env` and `env` are matched against it. */
  readonly environment?: string;
  readonly clock?: Clock;
}

export function createCronClient(options: CronClientOptions): CronClient {
  const { store, jobs, registry, entries = {}, clock = systemClock, environment } = options;
  const table = () =>
    new CronTable({ entries, registry, log: silentLogger, ...(environment === undefined ? {} : { environment }) });

  async function known(name: string) {
    const { dynamic } = await store.read();
    const rule = table()
      .rules(dynamic)
      .rules.find((one) => one.name === name);
    if (rule) return rule;
    throw new ConfigError(
      `There is no usable cron entry ${JSON.stringify(name)}; listCron() names those that there are.`,
    );
  }

  function refuseStatic(name: string): void {
    if (!Object.hasOwn(entries, name)) return;
    throw new ConfigError(
      `The cron entry ${JSON.stringify(name)} is a static one: change it in the infra code, or take another name.`,
    );
  }

  return {
    async upsertCron(name, entry) {
      refuseStatic(name);
      const rule = cronRule(name, entry, registry);
      await store.change(name, stringify({ ...forRuby(entry), class: rule.class, queue: rule.queue }));
    },

    async removeCron(name) {
      refuseStatic(name);
      return store.change(name, undefined);
    },

    async listCron() {
      const now = clock.now();
      const state = await store.read();
      const statuses = await store.statuses();
      const cron = table();
      const { rules, invalid } = cron.rules(state.dynamic);
      const infos = rules.map((rule): CronInfo => {
        const { name, timing } = rule;
        const since = state.since(name, timing.fingerprint) ?? now;
        const last = state.last.get(name);
        const next = timing.next(Math.max(now, last ?? 0), since);
        return {
          name,
          source: cron.static.has(name) ? 'static' : 'dynamic',
          class: rule.class,
          queue: rule.queue,
          timing: timing.fingerprint,
          description: rule.description,
          paused: state.paused.has(name),
          next: next === undefined ? undefined : new Date(next),
          last: last === undefined ? undefined : new Date(last),
          status: usable(statuses.get(name)),
        };
      });
      return [...infos, ...invalid.map((one): BadCronInfo => ({ ...one, source: 'dynamic' }))];
    },

    async runCronNow(name) {
      const now = clock.now();
      const rule = await known(name);
      // Outside of the entry's slots, so its end has no say in them.
      const { id, payload } = cronPayload({ ...rule, overlap: 'allow' }, now, now);
      await jobs.enqueue([{ queue: rule.queue, payload }]);
      return id;
    },

    async pauseCron(name) {
      await known(name);
      await store.pause(name);
    },

    async resumeCron(name) {
      await known(name);
      await store.resume(name, clock.now());
    },
  };
}

/** What was wrong with an entry before it was repaired says nothing of what it is now. */
const usable = (status: CronStatus | undefined) => (status?.outcome === 'invalid' ? undefined : status);

/**
 * The entry in resque-scheduler's form: the time zone stands behind the expression, and an interval is text, since Ruby
 * asks it whether it is empty.
 */
function forRuby({ timeZone, cron, every, ...rest }: CronEntry): Record<string, unknown> {
  const interval = /^\s*@every\s+(\S+)\s*$/.exec(cron ?? '')?.[1];
  if (interval !== undefined) return { every: interval, ...rest };
  if (!cron) return { every: typeof every === 'number' ? `${every}s` : every, ...rest };
  return { cron: timeZone ? `${splitTimeZone(cron).expression} ${timeZone}` : cron, ...rest };
}
