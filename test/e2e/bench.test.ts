import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = join(import.meta.dirname, '../bench/run.ts');

test('every benchmark works, and every job in it runs once; times are not looked at', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lambdesque-bench-'));
  try {
    const json = join(folder, 'bench.json');
    // Rejects where it ends with another code than 0.
    await promisify(execFile)(process.execPath, [PROGRAM, '--quick', '--json', json]);
    const { reports, bars } = JSON.parse(await readFile(json, 'utf8'));
    expect(reports.map(({ name }: { name: string }) => name)).toEqual([
      'drain',
      'enqueue',
      'slow',
      'latency',
      'commands',
      'growth',
      'start',
      'delayed',
    ]);
    for (const { rows } of reports) expect(rows).not.toEqual([]);
    expect(bars).not.toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
