import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { ROOT, readDoc } from '../../helpers/readmes.ts';

/** The tests that functions/README.md shows are run, as they stand, by what they name. */

const FILES = ['functions/jobs/sign-up.test.ts', 'functions/jobs/sign-up.ts', 'functions/jobs/report.ts'];
const blocks = [...readDoc('functions/README.md').blocks, ...readDoc('README.md').blocks];

test('the tests that the README shows hold', async () => {
  // Within this repository, so that its own name and packages are found as in a clone.
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'dist/testing-'));
  try {
    for (const path of FILES) {
      const { text } = blocks.find((one) => one.text.startsWith(`// ${path}\n`)) ?? {};
      if (text === undefined) throw new Error(`no README shows ${path}`);
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    // Our own name leads to the sources, by the paths of tsconfig.json.
    const outfile = join(folder, 'sign-up.test.mjs');
    const from = join(folder, FILES[0] ?? '');
    await build({ entryPoints: [from], outfile, bundle: true, platform: 'node', format: 'esm', external: ['zod'] });
    const run = promisify(execFile)(process.execPath, ['--test', '--test-reporter', 'tap', outfile], {
      cwd: folder,
      // Of a test within a test Node makes no report of its own.
      env: { PATH: process.env['PATH'] },
    });
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    expect(stdout).toContain('# pass 5\n# fail 0');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
