import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = join(import.meta.dirname, '../chaos/run.ts');
/** The same faults in the same order each time; `npm run chaos` takes another seed each time. */
const SEED = '9';

test('workers near, far and over REST, killed and cut off again and again, account for every job', {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lambdesque-chaos-'));
  const args = [PROGRAM, '--quick', '--seed', SEED, '--folder', folder];
  // It ends with another code than 0 where a promise was not kept, and has said which; then its evidence stays.
  const failure = await promisify(execFile)(process.execPath, args).then(
    () => undefined,
    (error: { readonly stderr: string }) => error,
  );
  expect(failure?.stderr ?? '').toBe('');
  expect(failure).toBeUndefined();
  await rm(folder, { recursive: true, force: true });
});
