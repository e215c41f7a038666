import type { JobView } from '../inspector.ts';
import { jobPath, listPartOf, queryOf, STATES } from '../job-list.ts';
import { paths } from '../paths.ts';
import { field, link, more, select } from '../views/elements.ts';
import { html } from '../views/html.ts';
import { jobTable, stateWords } from '../views/job-table.ts';
import type { Page } from './page.ts';

/** One box for ids, classes and text: all of them stand in the payload. More exact fields are below it. */
export const searchPage: Page = async (view) => {
  const { inspector, query } = view;
  const fields = listPartOf(query);
  const part = { ...fields, text: fields.text ?? query.text('q') };
  const asked = [part.id, part.class, part.queue, part.text, part.state].some((one) => one !== undefined);
  const found = asked ? await inspector.jobs.find(queryOf(part)) : undefined;
  const exact = found?.items.length === 1 && found.complete ? found.items[0] : undefined;
  if (exact && isNamed(exact, query.text('q'))) {
    return new Response(null, {
      status: 303,
      headers: { location: jobPath(exact, { state: exact.state, queue: exact.queue }) },
    });
  }
  return {
    title: 'Search',
    live: false,
    body: html`
      <form method="get" class="filter">
        ${field('text', 'Text anywhere in the payload', part.text)}
        ${field('class', 'Class', part.class)}
        ${field('queue', 'Queue', part.queue)}
        ${field('id', 'Id', part.id)}
        ${select('state', 'State', [{ value: '', label: 'any' }, ...STATES.map((value) => ({ value, label: stateWords[value] }))], part.state)}
        <button>Search</button>
      </form>
      ${
        found
          ? html`${jobTable(view, 'What was found', found.items, part, found.complete ? 'Nothing was found. Capitals and small letters differ.' : 'Nothing so far.')}
        ${more(paths.search, part, found)}
        ${part.text === undefined ? '' : html`<p>Error messages are searched on the page of failures: ${link(paths.failedEntries, { text: part.text }, `failures with “${part.text}”`)}</p>`}`
          : html`<p>An id, the name of a class, or any text that stands in a job’s payload.</p>`
      }`,
  };
};

const isNamed = (job: JobView, text: string | undefined) =>
  text !== undefined && job.id === text && job.state !== 'failed';
