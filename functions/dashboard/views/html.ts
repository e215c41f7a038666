import { html, raw } from 'hono/html';

/** Text of a page. What is put into `html` is escaped, whoever wrote it. */
export type Html = ReturnType<typeof html> | string;

export { html, raw };
