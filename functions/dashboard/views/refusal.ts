import { count } from './format.ts';
import { html } from './html.ts';
import type { PageContent } from './layout.ts';

interface Refusal {
  /** Where it was chosen. */
  readonly back: string;
  readonly done: number;
  readonly missing: number;
  readonly untried: number;
  /** Each with how often. */
  readonly reasons: ReadonlyMap<string, number>;
  readonly status: PageContent['status'];
}

/** What of a change was made, and why not the rest. */
export function refusal({ back, done, missing, untried, reasons, status }: Refusal): PageContent {
  const refused = [...reasons.values()].reduce((sum, n) => sum + n, 0);
  const parts = [
    `${count(done)} done`,
    `${count(refused)} cannot be`,
    ...(missing > 0 ? [`${count(missing)} had gone before`] : []),
    ...(untried > 0 ? [`${count(untried)} not tried after that`] : []),
  ];
  return {
    title: done > 0 ? 'Not all of it worked' : 'That did not work',
    ...(status === undefined ? {} : { status }),
    live: false,
    body: html`<div class="notice bad" role="alert"><p>${parts.join(', ')}:</p>
      <ul>${[...reasons].map(([why, n]) => html`<li>${n > 1 ? `${count(n)} times: ` : ''}${why}</li>`)}</ul></div>
      <p><a href="${back}">Back to the list</a></p>`,
  };
}
