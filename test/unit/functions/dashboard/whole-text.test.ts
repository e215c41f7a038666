import { expect, test } from 'vitest';
import type { Inspector } from '../../../../functions/dashboard/inspector.ts';
import { answerBytes } from '../../../../functions/dashboard/pages/whole-text.ts';
import { bareDashboard, openedOver } from '../../../helpers/dashboard/bare.ts';

/** What is larger than an answer of Lambda may be. */

const LAMBDA_MOST = 6_291_556;
const MOST = 4_000_000;

function holding(raw: string) {
  const inspector = {
    stats: { totals: async () => ({ now: new Date(0) }) },
    jobs: {
      get: async () => ({ payload: raw, place: 'p' }),
      find: async () => ({ items: [{ payload: raw, place: 'p' }] }),
    },
    failed: {
      page: async () => ({ items: [{ raw, place: 'p' }], complete: true }),
      async *export() {
        for (let at = 0; at < raw.length; at += 1_000) yield raw.slice(at, at + 1_000);
      },
    },
  } as unknown as Inspector;
  const open = async () => openedOver(inspector);
  return bareDashboard({ signIn: { kind: 'none' }, mostBytes: MOST, open });
}

const paths = ['/payload?id=i&place=p', '/failed/entry?place=p', '/failed/export'];

test.each(paths)('%s says so, in bytes as Lambda counts them', async (path) => {
  for (const raw of ['x'.repeat(MOST + 1), '☃'.repeat(MOST / 2), '"'.repeat((MOST * 3) / 4)]) {
    const response = await holding(raw).send(path);
    const page = await response.text();
    expect(page).toContain('Too much to send at once');
    expect(page).toContain('command line');
    expect(page.length).toBeLessThan(10_000);
  }
});

test.each(paths)('%s is sent whole below that, and is then below what Lambda sends', async (path) => {
  for (const raw of ['x'.repeat(3_900_000), '☃'.repeat(1_300_000), '"'.repeat(1_900_000)]) {
    const text = await (await holding(raw).send(path)).text();
    expect(text.replaceAll('\n', '') === raw).toBe(true);
    expect(answerBytes(text)).toBeLessThan(LAMBDA_MOST);
    expect((new TextEncoder().encode(text).length * 4) / 3).toBeLessThan(LAMBDA_MOST);
  }
});
