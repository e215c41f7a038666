import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { missing, pythonTool } from './python-tool.ts';

/** infra/examples, as far as their own tools can tell without an account: what is not here is skipped with a word. */

const run = promisify(execFile);
const EXAMPLES = join(import.meta.dirname, '../../../infra/examples');
const noPython = await missing();
if (noPython) console.log(`The SAM template is not linted: ${noPython}.`);
const hasTerraform = await run('terraform', ['version']).then(
  () => true,
  () => false,
);
if (!hasTerraform) console.log('The Terraform example is not validated: there is no command terraform.');

/** @returns all that it said, and whether it ended well */
async function said(program: string, args: readonly string[], cwd?: string): Promise<{ ok: boolean; text: string }> {
  const env = { ...process.env, CHECKPOINT_DISABLE: '1', TF_CLI_CONFIG_FILE: '/dev/null', NO_COLOR: '1' };
  try {
    const { stdout, stderr } = await run(program, [...args], {
      env,
      ...(cwd === undefined ? {} : { cwd }),
      timeout: 120_000,
    });
    return { ok: true, text: stdout + stderr };
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    return { ok: false, text: stdout + stderr || message };
  }
}

test.skipIf(noPython)(
  'SAM: what `sam validate --lint` runs, with every warning, finds nothing',
  async () => {
    const lint = join(await pythonTool('cfn-lint', '1.51.0'), 'cfn-lint');
    const args = ['--regions', 'eu-central-1', '--include-checks', 'I', '--', join(EXAMPLES, 'sam/template.yaml')];
    expect(await said(lint, args)).toEqual({ ok: true, text: '' });
    // It does look.
    const broken = join(import.meta.dirname, 'apps/broken-sam.yaml');
    expect((await said(lint, ['--regions', 'eu-central-1', '--', broken])).text).toContain('MemorySizes');
    // It is installed first, where it never was.
  },
  500_000,
);

test.skipIf(!hasTerraform)(
  'Terraform: it is formatted and parsed; and validated, where its registry can be reached',
  async ({ skip }) => {
    const folder = await mkdtemp(join(tmpdir(), 'lambdesque-terraform-'));
    try {
      await cp(join(EXAMPLES, 'terraform'), folder, { recursive: true });
      expect(await said('terraform', ['fmt', '-check', '-diff'], folder)).toEqual({ ok: true, text: '' });
      const init = await said('terraform', ['init', '-backend=false', '-input=false'], folder);
      if (!init.ok && /could not connect|no such host|failed to query|lookup/i.test(init.text)) {
        skip('formatted and parsed; not validated, since the registry of its providers cannot be reached');
      }
      expect(init.ok, init.text).toBe(true);
      expect(await said('terraform', ['validate', '-no-color'], folder)).toMatchObject({ ok: true });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
