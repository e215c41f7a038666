import { entriesAt, failedQueryOf, filterOf } from '../failed-list.ts';
import { html } from '../views/html.ts';
import type { Page } from './page.ts';
import { answerBytes, tooMuch, wholeText } from './whole-text.ts';

/** The text of an entry, or of many. */

export const failedEntryText: Page = async ({ inspector, query, mostBytes }) => {
  const [entry] = await entriesAt(inspector, filterOf(query), query.text('cursor'), query.all('place'));
  if (!entry) {
    return {
      title: 'The entry is no longer there',
      status: 404,
      live: false,
      body: html`<p>It was removed, or is on another page of the list by now.</p>`,
    };
  }
  return wholeText(entry.raw, mostBytes, 'The command line has it whole: lambdesque failed show.');
};

/** Lines of JSON: `client.failed.import` and `lambdesque failed import` read them again. */
export const failedExport: Page = async ({ inspector, query, mostBytes }) => {
  const encoder = new TextEncoder();
  const lines = inspector.failed.export(failedQueryOf(filterOf(query)));
  const headers = {
    'content-type': 'application/x-ndjson; charset=utf-8',
    'content-disposition': 'attachment; filename="failed.jsonl"',
  };
  if (mostBytes === undefined) {
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = await lines.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(`${value}\n`));
      },
      async cancel() {
        await lines.return(undefined);
      },
    });
    return new Response(body, { headers });
  }
  let text = '';
  let size = 0;
  for await (const line of lines) {
    text += `${line}\n`;
    size += answerBytes(line) + 2;
    if (size > mostBytes) {
      return tooMuch(
        mostBytes,
        'Fewer at a time: filter by class or by date. Or take them with the command line: lambdesque failed export.',
      );
    }
  }
  return new Response(text, { headers });
};
