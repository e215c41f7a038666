import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { PATIENCE } from '../helpers/eventually.ts';

// A program that hangs ends itself; a slow machine needs minutes.
vi.setConfig({ testTimeout: 8 * PATIENCE });

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'test/bench/run.ts');
const run = promisify(execFile);

test('every benchmark works, and every job in it runs once; times are not looked at', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lambdesque-bench-'));
  try {
    const json = join(folder, 'bench.json');
    // Rejects where it ends with another code than 0.
    await run(process.execPath, [PROGRAM, '--quick', '--json', json]);
    const { reports, bars } = JSON.parse(await readFile(json, 'utf8'));
    expect(reports.map(({ name }: { name: string }) => name)).toEqual([
      'drain',
      'enqueue',
      'unique',
      'slow',
      'latency',
      'commands',
      'growth',
      'start',
      'delayed',
      'autoscale',
      'waiting',
      'soak',
      'shards',
      'far',
    ]);
    for (const { rows } of reports) expect(rows).not.toEqual([]);
    expect(bars).not.toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

// A copy of the files without their history has no other commit.
test.skipIf(!existsSync(join(ROOT, '.git')))('a commit can be compared with, and nothing of it stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lambdesque-bench-'));
  const checkouts = async () => {
    const { stdout } = await run('git', ['worktree', 'list'], { cwd: ROOT });
    return stdout.split('\n').filter((line) => line.includes('lambdesque-commit-'));
  };
  try {
    const json = join(folder, 'bench.json');
    await run(process.execPath, [PROGRAM, 'drain', '--against', 'HEAD', '--quick', '--json', json]);
    const { reports } = JSON.parse(await readFile(json, 'utf8'));
    expect(reports[0].title).toMatch(/^Drain, against [0-9a-f]{7}/);
    expect(reports[0].rows).not.toEqual([]);
    expect(await checkouts()).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('an option that is wrong is told, with what there is', async () => {
  const wrong = run(process.execPath, [PROGRAM, 'far', '--rtt', '60ms']);
  await expect(wrong).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('Usage: npm run bench') });
});
