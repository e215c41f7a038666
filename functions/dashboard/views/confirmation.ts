import type { Fields } from '../fields.ts';
import type { Question } from '../pages/page.ts';
import { html } from './html.ts';
import type { PageContent } from './layout.ts';

/** Asks before what cannot be undone. It needs no script, and works the same for everybody. */
export function confirmation(
  { question, detail, button, back }: Question,
  action: string,
  form: Fields,
  token: string,
): PageContent {
  const kept = form.entries().filter(([name]) => name !== 'token' && name !== 'sure');
  return {
    title: question,
    live: false,
    body: html`<p>${detail}</p>
      <form method="post" action="${action}" class="row">
        <input type="hidden" name="token" value="${token}" />
        <input type="hidden" name="sure" value="yes" />
        ${kept.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
        <button class="danger">${button}</button>
        <a class="button" href="${back}">Cancel</a>
      </form>`,
  };
}
