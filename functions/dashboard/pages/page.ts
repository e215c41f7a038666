import type { Fields } from '../fields.ts';
import type { Html } from '../views/html.ts';
import type { PageContent } from '../views/layout.ts';
import type { Notice } from '../views/notices.ts';
import type { View } from '../views/view.ts';

export type Page = (view: View) => Promise<PageContent | Response>;

/** A change was made: where to go now, and what to say there. */
export interface Changed extends Notice {
  /** Path, with its query. */
  readonly back: string;
  /** For the log: what was changed. */
  readonly log: Readonly<Record<string, unknown>>;
  /** Some of those that were chosen could not be changed, and after that so many were not tried. */
  readonly refused?: { readonly errors: readonly Error[]; readonly untried: number };
}

/** What cannot be undone is asked first; the answer is the same form with `sure`. */
export interface Question {
  readonly question: string;
  /** What will happen. */
  readonly detail: Html;
  /** What the button that does it says. */
  readonly button: string;
  /** Where "no" leads. */
  readonly back: string;
}

export type Change = (view: View, form: Fields) => Promise<Changed | Question>;

export const isSure = (form: Fields): boolean => form.text('sure') === 'yes';
