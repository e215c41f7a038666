/** The oldest Node that package.json names: installed from npm when first asked for, and kept in node_modules/.cache. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `engines.node` names ranges such as `^22.18.0 || >=23.6.0`, the oldest first. */
export async function oldestVersion(): Promise<string> {
  const { engines } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } };
  const version = /\d+\.\d+\.\d+/.exec(engines.node)?.[0];
  if (version === undefined) throw new Error(`engines.node of package.json names no version: ${engines.node}`);
  return version;
}

/** @returns the program's path  @throws if npm cannot install it */
export async function oldestNode(): Promise<string> {
  const version = await oldestVersion();
  const folder = join(ROOT, 'node_modules/.cache', `node-${version}`);
  const program = join(folder, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const answers = async () => (await run(program, ['--version'])).stdout.trim() === `v${version}`;
  if (await answers().catch(() => false)) return program;

  // Whatever an installation that was broken off has left.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // The package's own script fetches the build for this machine, from npm as well.
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
  const options = ['--no-audit', '--no-fund', '--no-package-lock', '--fetch-retries=1', '--fetch-timeout=60000'];
  await run('npm', ['install', `node@${version}`, '--prefix', folder, ...options], { cwd: folder });
  if (await answers()) return program;
  throw new Error(`npm installed node@${version}, but ${program} is another version.`);
}

if (import.meta.main ?? process.argv[1] === import.meta.filename) console.log(await oldestNode());
