import { LambdesqueError } from '../../errors.ts';
import type { Registry } from '../../job/registry.ts';
import { parseWithBigInts } from '../../json.ts';
import type { Logger } from '../../log.ts';
import { membersOf } from '../../wire/json-members.ts';
import { type CronEntry, type CronRule, checkCronEntries, cronRule } from './entry.ts';

export interface CronTableDeps {
  /** Entries from infra code. */
  readonly entries: Readonly<Record<string, CronEntry>>;
  readonly registry: Registry;
  /** Matches `rails_env` and `env` of resque-scheduler's entries. @default only entries without them */
  readonly environment?: string;
  readonly log: Logger;
}

/** A dynamic entry that cannot be used, with the reason. */
export interface InvalidEntry {
  readonly name: string;
  readonly error: string;
}

/** A dynamic entry's JSON, and what came of it; undefined where it is not for us. */
interface Parsed {
  readonly json: string;
  readonly rule: CronRule | InvalidEntry | undefined;
}

/** All rules: static ones, which are checked once and win, and dynamic ones, which are parsed again when they change. */
export class CronTable {
  readonly static: ReadonlyMap<string, CronRule>;
  readonly #deps: CronTableDeps;
  #parsed = new Map<string, Parsed>();
  /** Of the same entries they are the same. */
  #last: { readonly dynamic: ReadonlyMap<string, string>; readonly rules: readonly CronRule[] } | undefined;

  /** @throws ConfigError for a static entry that is wrong */
  constructor(deps: CronTableDeps) {
    this.#deps = deps;
    this.static = new Map(checkCronEntries(deps.entries, deps.registry).map((rule) => [rule.name, rule]));
  }

  /**
   * @param dynamic JSON by name, as Redis has it now; undefined where that cannot be read
   * @returns the rules that hold; of the dynamic entries, those that became invalid since the last call, and the names of
   *   those that were removed since
   */
  rules(dynamic: ReadonlyMap<string, string> | undefined): {
    rules: readonly CronRule[];
    invalid: readonly InvalidEntry[];
    gone: readonly string[];
  } {
    if (dynamic && dynamic === this.#last?.dynamic) return { rules: this.#last.rules, invalid: [], gone: [] };
    const rules = [...this.static.values()];
    if (!dynamic) return { rules, invalid: [], gone: [] };
    const invalid: InvalidEntry[] = [];
    const parsed = new Map<string, Parsed>();
    for (const [name, json] of dynamic) {
      const known = this.#parsed.get(name);
      const isNew = known?.json !== json;
      const rule = isNew ? this.#parse(name, json) : known.rule;
      parsed.set(name, { json, rule });
      if (rule && 'timing' in rule) rules.push(rule);
      else if (rule && isNew) invalid.push(rule);
    }
    const gone = [...this.#parsed.keys()].filter((name) => !dynamic.has(name) && !this.static.has(name));
    this.#parsed = parsed;
    this.#last = { dynamic, rules };
    return { rules, invalid, gone };
  }

  #parse(name: string, json: string): CronRule | InvalidEntry | undefined {
    const { registry, log, environment } = this.#deps;
    if (this.static.has(name)) {
      log.warn('A dynamic cron entry has the name of a static one and is not used; remove it, or rename one of them', {
        name,
      });
      return undefined;
    }
    try {
      const entry = parseWithBigInts(json) as CronEntry & Record<string, unknown>;
      const wanted = entry?.['rails_env'] ?? entry?.['env'];
      if (typeof wanted === 'string' && !wanted.split(/[\s,]+/).includes(environment ?? '')) return undefined;
      if (entry?.['custom_job_class']) {
        throw new LambdesqueError(
          'custom_job_class names Ruby code that decides what to enqueue; it cannot run here. Use class',
        );
      }
      const rule = cronRule(name, entry, registry, {
        numbers: 'seconds',
        report: (problem) =>
          log.warn('A dynamic cron entry has something that is unknown here; it runs without it', { name, problem }),
      });
      return { ...rule, argsJson: argsJson(json, entry.args) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error('A dynamic cron entry cannot be used; the others run', { name, error: reason });
      return { name, error: reason };
    }
  }
}

/** The argument list, as the entry's JSON has it. */
function argsJson(json: string, args: unknown): string | undefined {
  const span = membersOf(json).get('args');
  if (!span || args === null) return undefined;
  const text = json.slice(span.start, span.end);
  return Array.isArray(args) ? text : `[${text}]`;
}
