import { type FailedFilter, failedQueryOf, filterInWords, filterOf, isFiltered } from '../failed-list.ts';
import type { Fields } from '../fields.ts';
import type { FailedEntry } from '../inspector.ts';
import { paths, to } from '../paths.ts';
import { counted } from '../views/format.ts';
import { eachPlace } from './each-place.ts';
import { type Change, type Changed, isSure } from './page.ts';

export const retryEntries: Change = (view, form) =>
  forEach(form, 'retried', (entry) => view.inspector.failed.retry(entry));

export const removeEntries: Change = async (view, form) => {
  const n = form.all('place').length;
  if (n > 0 && !isSure(form)) {
    return {
      question: n === 1 ? 'Remove this entry?' : `Remove ${n} entries?`,
      detail: `${counted(n, 'failed job')} will be gone, with arguments and errors. This cannot be undone.`,
      button: 'Remove',
      back: backTo(form),
    };
  }
  return forEach(form, 'entries-removed', (entry) => view.inspector.failed.remove(entry));
};

export const retryAllEntries: Change = async ({ inspector }, form) => {
  const filter = filterOf(form);
  if (!isSure(form)) {
    return {
      question: 'Retry all of these?',
      detail: `Every failed job that fits goes back to its queue and runs again, but those that were retried before: ${filterInWords(filter)}.`,
      button: 'Retry all',
      back: backTo(form),
    };
  }
  const n = await inspector.failed.retryAll(failedQueryOf(filter));
  return { back: backTo(form), said: 'retried', n, log: { ...given(filter) } };
};

export const removeAllEntries: Change = async ({ inspector }, form) => {
  const filter = filterOf(form);
  if (!isSure(form)) {
    return {
      question: isFiltered(filter) ? 'Remove all of these?' : 'Remove everything from the failed list?',
      detail: `Every entry that fits will be gone, with arguments and errors: ${filterInWords(filter)}. This cannot be undone; an export keeps them.`,
      button: 'Remove all',
      back: backTo(form),
    };
  }
  const n = isFiltered(filter)
    ? await inspector.failed.removeAll(failedQueryOf(filter))
    : await inspector.failed.clear(filter.list);
  return { back: to(paths.failed, { list: filter.list }), said: 'entries-removed', n, log: { ...given(filter) } };
};

/** @param change tells whether the entry was still there */
async function forEach(
  form: Fields,
  said: 'retried' | 'entries-removed',
  change: (entry: Pick<FailedEntry, 'place'>) => Promise<boolean>,
): Promise<Changed> {
  // The button of one line means that line, whatever is ticked.
  const places = form.text('only') === undefined ? form.all('place') : form.all('only');
  return eachPlace(places, { back: backTo(form), said, log: given(filterOf(form)) }, change);
}

const backTo = (form: Fields) => to(paths.failedEntries, { ...filterOf(form) });

function given(filter: FailedFilter): Record<string, string> {
  return Object.fromEntries(Object.entries(filter).filter((one): one is [string, string] => one[1] !== undefined));
}
