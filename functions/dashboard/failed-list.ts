import type { Fields } from './fields.ts';
import type { FailedEntry, FailedQuery, Inspector } from './inspector.ts';
import { PAGE } from './job-list.ts';

/** What the filter of the failed list holds, as it stands in links and forms. */
export interface FailedFilter {
  readonly class?: string | undefined;
  readonly queue?: string | undefined;
  readonly exception?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly text?: string | undefined;
  /** `YYYY-MM-DDTHH:MM`, UTC. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** `yes` or `no` */
  readonly retried?: string | undefined;
  readonly list?: string | undefined;
}

const TEXTS = ['class', 'queue', 'exception', 'fingerprint', 'text', 'list'] as const;

export function filterOf(fields: Fields): FailedFilter {
  const texts = Object.fromEntries(TEXTS.map((name) => [name, fields.text(name)]));
  const date = (name: string) => fields.date(name)?.toISOString().slice(0, 16);
  const retried = ['yes', 'no'].find((one) => one === fields.text('retried'));
  return { ...texts, since: date('since'), until: date('until'), retried };
}

export function failedQueryOf({ since, until, retried, ...texts }: FailedFilter): FailedQuery {
  const given = Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined));
  return {
    ...given,
    ...(since === undefined ? {} : { since: new Date(`${since}Z`) }),
    ...(until === undefined ? {} : { until: new Date(`${until}Z`) }),
    ...(retried === undefined ? {} : { retried: retried === 'yes' }),
  };
}

/** Does it leave anything out, beside the choice of the list? */
export function isFiltered({ list: _, ...rest }: FailedFilter): boolean {
  return Object.values(rest).some((value) => value !== undefined);
}

/** In words: `class Mail and exception IOError`. */
export function filterInWords(filter: FailedFilter): string {
  const words = Object.entries(filter).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (name === 'fingerprint') return ['the same error'];
    if (name === 'retried') return [value === 'yes' ? 'retried before' : 'not retried yet'];
    if (name === 'since' || name === 'until') return [`${name} ${value.replace('T', ' ')} UTC`];
    return [`${name} “${value}”`];
  });
  return words.join(', ') || 'everything';
}

export function entriesPage(inspector: Inspector, filter: FailedFilter, cursor: string | undefined) {
  return inspector.failed.page({ ...failedQueryOf(filter), limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
}

/** Entries of a page that stand at these places. */
export async function entriesAt(
  inspector: Inspector,
  filter: FailedFilter,
  cursor: string | undefined,
  places: readonly string[],
): Promise<FailedEntry[]> {
  const wanted = new Set(places);
  return (await entriesPage(inspector, filter, cursor)).items.filter((entry) => wanted.has(entry.place));
}
