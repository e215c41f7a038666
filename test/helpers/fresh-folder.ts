/** Folders outside of this repository, where the package is installed as users have it. Each goes with the test file. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEachFile } from './cleanup.ts';
import { PATIENCE } from './eventually.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const folders: string[] = [];
afterEachFile(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export interface Ran {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FreshFolder {
  readonly path: string;
  /** @param files text by path */
  write(files: Readonly<Record<string, string>>): void;
  run(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** `npm install` with these arguments. @throws with what npm says */
  install(...args: readonly string[]): Promise<void>;
  /** Puts packages of this repository beside what is installed: what npm would fetch again. */
  link(...packages: readonly string[]): void;
}

export function freshFolder(files: Readonly<Record<string, string>> = {}): FreshFolder {
  // Node.js names modules by their real paths.
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'lambdesque-package-')));
  folders.push(path);
  const folder: FreshFolder = {
    path,
    write(more) {
      for (const [name, text] of Object.entries(more)) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), text);
      }
    },
    run: (program, args, env = {}) =>
      new Promise((resolve) => {
        const options = {
          cwd: path,
          env: { ...outside(), NO_COLOR: '1', ...env },
          timeout: 2 * PATIENCE,
          maxBuffer: 64 * 1024 * 1024,
        };
        const child = execFile(program, args, options, (error, stdout, stderr) => {
          const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
          resolve({ code, stdout, stderr: typeof error?.code === 'string' ? `${error.message}\n${stderr}` : stderr });
        });
        child.stdin?.end();
      }),
    async install(...args) {
      const options = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
      const { code, stdout, stderr } = await folder.run('npm', ['install', ...options, ...args]);
      if (code !== 0) throw new Error(`npm install ${args.join(' ')} failed:\n${stdout}${stderr}`);
    },
    link(...packages) {
      for (const name of packages) {
        const to = join(path, 'node_modules', name);
        mkdirSync(dirname(to), { recursive: true });
        symlinkSync(join(ROOT, 'node_modules', name), to, 'dir');
      }
    },
  };
  folder.write(files);
  return folder;
}

/** The environment without what npm, vitest and a user of Redis or AWS have put there. */
function outside(): Record<string, string | undefined> {
  const ours =
    /^(npm_(package|lifecycle|config_local_prefix|execpath|command)|INIT_CWD|NODE_(ENV|OPTIONS|CHANNEL|UNIQUE|COMPILE_CACHE)|VITEST|FORCE_COLOR|REDIS_|UPSTASH_|AWS_|CDK_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}
