import { createRegistry } from '../../../job/registry.ts';
import { silentLogger } from '../../../log.ts';
import { checkForRuby, type RubyEntry } from '../../../scheduler/cron/ruby-entry.ts';
import { CronTable } from '../../../scheduler/cron/table.ts';
import { type Check, counted, type Diagnosis, listed, quoted } from '../finding.ts';

export const cronEntries: Check = {
  name: 'cron-entries',
  async run({ deps, due }) {
    const { dynamic } = await deps.cron.read();
    if (!dynamic) return [];
    const table = new CronTable({ entries: {}, registry: createRegistry([]), log: silentLogger });
    const { invalid } = table.rules(new Map([...dynamic].map(([name, json]) => [name, withQueue(json)])));
    const refused = [...dynamic].flatMap(([name, json]) => {
      const reason = rubyRefuses(name, json);
      return reason === undefined || invalid.some((one) => one.name === name) ? [] : [{ name, reason }];
    });
    const found: Diagnosis[] = [];
    if (invalid[0]) {
      const names = invalid.map(({ name }) => name);
      found.push({
        severity: 'error',
        problem: `${counted(invalid.length, 'cron entry', 'cron entries')} in Redis cannot be used: ${listed(names)}. ${invalid[0].error}`,
        subjects: names,
        meaning: 'They never enqueue a job here; the other entries do.',
        remedy: `lambdesque cron rm ${quoted(names[0] ?? '')}, or write it anew: lambdesque cron set ${quoted(names[0] ?? '')} '{…}'`,
      });
    }
    if (refused[0]) {
      const names = refused.map(({ name }) => name);
      const { rubyScheduler } = await due();
      found.push({
        severity: rubyScheduler ? 'error' : 'notice',
        problem: `Ruby's resque-scheduler cannot read ${counted(refused.length, 'cron entry', 'cron entries')}: ${listed(names)}. ${refused[0].reason}`,
        subjects: names,
        meaning: rubyScheduler
          ? 'It runs here, ends at such an entry, and cannot start again.'
          : 'If it were started here, it would end at once. Our scheduler runs them.',
        remedy: `lambdesque cron rm ${quoted(names[0] ?? '')}, or keep it among the static entries`,
      });
    }
    return found;
  },
};

function rubyRefuses(name: string, json: string): string | undefined {
  try {
    const entry = JSON.parse(json) as RubyEntry | null;
    if (entry?.cron === undefined && entry?.every === undefined) return undefined;
    checkForRuby(name, entry);
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? undefined : (error as Error).message;
  }
}

/** Its class may have a queue, which is not known here. */
function withQueue(json: string): string {
  try {
    const entry = JSON.parse(json);
    return entry?.queue === undefined ? JSON.stringify({ ...entry, queue: 'any' }) : json;
  } catch {
    return json;
  }
}
