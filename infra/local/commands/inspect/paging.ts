import type { Page } from '../../../../shared/index.ts';
import type { Column } from '../../table.ts';
import type { Output } from './output.ts';

export interface PageFlags {
  readonly limit: number;
  readonly cursor?: string;
  readonly all?: true;
}

/** What one call is asked for. */
interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** What `--all` asks for in one call. */
const MOST = 1_000;

/**
 * Shows one page, or with `--all` every one, and says how to go on. A search may come back before it has found
 * anything: it goes on until there is something to show.
 * @returns how many were shown
 */
export async function showPages<Row>(
  out: Output,
  { limit, cursor: first, all }: PageFlags,
  columns: readonly Column<Row>[],
  read: (page: PageRequest) => Promise<Page<Row>>,
  /** What programs get of one. */
  object: (row: Row) => unknown = (row) => row,
): Promise<number> {
  const found: Row[] = [];
  let cursor = first;
  let count = 0;
  do {
    const most = all ? MOST : limit - count;
    const page: Page<Row> = await read(cursor === undefined ? { limit: most } : { limit: most, cursor });
    count += page.items.length;
    // Of a table, every row has its say in the widths of the columns.
    if (out.json) for (const item of page.items) out.object(object(item));
    else for (const item of page.items) found.push(item);
    cursor = page.cursor;
  } while (cursor !== undefined && (all || count < limit));
  if (found.length > 0) out.rows(found, columns, '');
  if (cursor !== undefined) console.error(`There are more: --cursor '${cursor.replaceAll("'", "'\\''")}', or --all.`);
  return count;
}
