import { html, raw } from 'hono/html';

/** Text of a page. What is put into `html` is escaped, whoever wrote it. */
export type Html = ReturnType<typeof html> | string;

export { html, raw };

/** Of a list that may be empty: each item, or what to say instead. */
export function each<T>(items: readonly T[], show: (item: T, at: number) => Html, none: Html = ''): Html | Html[] {
  return items.length === 0 ? none : items.map(show);
}
