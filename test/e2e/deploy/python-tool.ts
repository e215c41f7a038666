/** Programs from PyPI, pinned: each in a virtual environment that is made when first asked for and kept in the user's cache. */
import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** @returns why there is none here; undefined where it can run */
export async function missing(): Promise<string | undefined> {
  try {
    const { stdout } = await run('python3', ['-c', 'import ensurepip, sys, venv; print(sys.version_info >= (3, 10))']);
    return stdout.trim() === 'True' ? undefined : 'python3 is older than 3.10';
  } catch {
    return 'there is no python3 with venv (Debian: python3-venv)';
  }
}

/** @returns the folder of its programs */
export async function pythonTool(name: string, version: string): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'lambdesque');
  const folder = join(cache, `${name}-${version}`);
  const programs = join(folder, 'bin');
  // Written last: what was broken off has none.
  const ready = join(folder, 'ready');
  const isReady = await access(ready).then(
    () => true,
    () => false,
  );
  if (isReady) return programs;
  await mkdir(cache, { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder]);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `${name}==${version}`];
  await run(join(programs, 'python'), install);
  await writeFile(`${ready}.new`, '');
  await rename(`${ready}.new`, ready);
  return programs;
}
