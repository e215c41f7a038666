import type { Broker } from '../broker/broker.ts';
import type { CronBroker, CronStatus } from '../broker/cron-broker.ts';
import { ConfigError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import { stringify } from '../json.ts';
import { silentLogger } from '../log.ts';
import { cronPayload } from '../scheduler/cron/cron-payload.ts';
import { type CronEntry, type CronRule, checkClass, checkRuleArgs, cronRule } from '../scheduler/cron/entry.ts';
import { sinceOf } from '../scheduler/cron/first-seen.ts';
import { checkForRuby, entryForRuby } from '../scheduler/cron/ruby-entry.ts';
import { CronTable } from '../scheduler/cron/table.ts';

/** A cron entry as it stands. */
export interface CronInfo {
  /** Its name. */
  readonly name: string;
  /** From infra code, or from Redis. */
  readonly source: 'static' | 'dynamic';
  /** What its jobs have as their class. */
  readonly class: string;
  /** Where its jobs go. */
  readonly queue: string;
  /** Its timing in one text. */
  readonly timing: string;
  /** As the entry has it. */
  readonly description: string | undefined;
  /** It has no slots until it is resumed. */
  readonly paused: boolean;
  /** Its next slot; undefined where none is left. */
  readonly next: Date | undefined;
  /** Last slot that was enqueued, or passed over because of an overlap. */
  readonly last: Date | undefined;
  /** The last thing that happened to it; undefined where nothing has. */
  readonly status: CronStatus | undefined;
}

/** A dynamic entry that cannot be used. */
export interface BadCronInfo {
  /** Its name. */
  readonly name: string;
  /** It is in Redis: static entries are checked where they are given. */
  readonly source: 'dynamic';
  /** Names field and reason. */
  readonly error: string;
}

/** Cron entries, to be written, listed, run and paused; `client.cron`. */
export interface CronClient {
  /**
   * Writes a dynamic entry; resque-scheduler reads it too, so it must be one that Ruby can parse.
   * @throws ConfigError if it is wrong, if its arguments break the schema of its class, or if a static one has its name
   * @example await client.cron.upsert('nightly', { cron: '0 3 * * *', timeZone: 'Europe/Paris', class: 'Hello', args: ['hi', 'Zoë'] });
   */
  upsert(name: string, entry: CronEntry): Promise<void>;
  /** @returns whether there was one @throws ConfigError if it is a static one */
  remove(name: string): Promise<boolean>;
  /** All entries, static ones first, with their slots; of those that cannot be used, why. */
  list(): Promise<(CronInfo | BadCronInfo)[]>;
  /** Enqueues the entry's job once, besides its slots. @returns the job's id @throws ConfigError where there is no usable entry of that name */
  runNow(name: string): Promise<string>;
  /** No slots while it is paused, and none of them afterwards. @throws ConfigError where there is no usable entry of that name */
  pause(name: string): Promise<void>;
  /** Ends a pause. @throws ConfigError where there is no usable entry of that name */
  resume(name: string): Promise<void>;
}

/** What a cron client needs of Redis. */
export type CronStore = Pick<CronBroker, 'read' | 'statuses' | 'change' | 'pause' | 'resume'>;

interface CronClientOptions {
  readonly store: CronStore;
  readonly jobs: Pick<Broker, 'enqueue'>;
  readonly registry: Registry;
  /**
   * Every class that there is, is in the registry: then an entry of another one is refused. Else it may be one of another
   * program, such as Ruby's, and must name its queue. @default false
   */
  readonly wholeRegistry?: boolean;
  /** The static entries, to be listed and run too. @default none */
  readonly entries?: Readonly<Record<string, CronEntry>>;
  /** Of the scheduler that runs the entries: `rails_env` and `env` are matched against it. */
  readonly environment?: string;
}

export function createCronClient(options: CronClientOptions): CronClient {
  const { store, jobs, registry, wholeRegistry = false, entries = {}, environment } = options;
  const table = () =>
    new CronTable({ entries, registry, log: silentLogger, ...(environment === undefined ? {} : { environment }) });

  async function known(name: string): Promise<{ readonly rule: CronRule; readonly now: number }> {
    const { dynamic, now } = await store.read();
    const rule = table()
      .rules(dynamic)
      .rules.find((one) => one.name === name);
    if (rule) return { rule, now };
    throw new ConfigError(`There is no usable cron entry ${JSON.stringify(name)}; list() names those that there are.`);
  }

  function refuseStatic(name: string): void {
    if (!Object.hasOwn(entries, name)) return;
    throw new ConfigError(
      `The cron entry ${JSON.stringify(name)} is a static one: change it in the infra code, or take another name.`,
    );
  }

  return {
    async upsert(name, entry) {
      refuseStatic(name);
      if (wholeRegistry) checkClass(name, typeof entry?.class === 'string' ? entry.class : name, registry);
      const rule = cronRule(name, entry, registry);
      await checkRuleArgs(rule, registry);
      const written = entryForRuby(entry, rule.timing.firstAt);
      checkForRuby(name, written);
      if (rule.timing.firstAt !== undefined) await refusePast(store, name, rule.timing.firstAt);
      await store.change(name, stringify({ ...written, class: rule.class, queue: rule.queue }));
    },

    async remove(name) {
      refuseStatic(name);
      return store.change(name, undefined);
    },

    async list() {
      const state = await store.read();
      const statuses = await store.statuses();
      const cron = table();
      const { rules, invalid } = cron.rules(state.dynamic);
      const infos = rules.map((rule): CronInfo => {
        const { name, timing } = rule;
        const since = sinceOf(state, rule) ?? state.now;
        const last = state.last.get(name);
        const next = timing.next(Math.max(state.now, last ?? 0), since);
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

    async runNow(name) {
      const { rule, now } = await known(name);
      // Outside of the entry's slots, so its end has no say in them.
      const { id, payload } = cronPayload({ ...rule, overlap: 'allow' }, now, now);
      await jobs.enqueue([{ queue: rule.queue, payload }]);
      return id;
    },

    async pause(name) {
      await known(name);
      await store.pause(name);
    },

    async resume(name) {
      await known(name);
      await store.resume(name);
    },
  };
}

/** What was wrong with an entry before it was repaired says nothing of what it is now. */
const usable = (status: CronStatus | undefined) => (status?.outcome === 'invalid' ? undefined : status);

/** @throws ConfigError: Ruby's scheduler ends at a first time that has passed */
async function refusePast(store: Pick<CronStore, 'read'>, name: string, firstAt: number): Promise<void> {
  const { now } = await store.read();
  if (firstAt > now) return;
  throw new ConfigError(
    `cron entry ${JSON.stringify(name)}: its first_at must be a time to come, since Ruby's resque-scheduler ends at one ` +
      `that has passed; got ${new Date(firstAt).toISOString()}. Leave it out.`,
  );
}
