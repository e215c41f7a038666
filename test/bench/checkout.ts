import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endWithProcess } from '../helpers/end-with-process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** The files of another commit, in a folder of their own. */
export interface Checkout {
  readonly folder: string;
  /** As git names it in short, with the first line of its message. */
  readonly name: string;
  /** May be called twice. */
  remove(): void;
}

/**
 * Checks a commit out into a temporary git worktree, with the packages that are installed here. It goes with this process.
 * @param commit anything that git takes for one: `HEAD~1`, a tag, a hash
 * @throws where git knows no such commit
 */
export async function checkout(commit: string): Promise<Checkout> {
  const name = await nameOf(commit);
  const parent = mkdtempSync(join(tmpdir(), 'lambdesque-commit-'));
  const folder = join(parent, 'tree');
  const remove = () => {
    removed();
    rmSync(parent, { recursive: true, force: true });
    // Forgets the worktrees whose folders are gone.
    execFileSync('git', ['worktree', 'prune'], { cwd: ROOT, stdio: 'ignore' });
  };
  const removed = endWithProcess(remove);
  try {
    await run('git', ['worktree', 'add', '--detach', folder, commit], { cwd: ROOT });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, name, remove };
}

async function nameOf(commit: string): Promise<string> {
  try {
    // After --end-of-options nothing is taken for one.
    await run('git', ['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{commit}`], { cwd: ROOT });
  } catch {
    throw new Error(`There is no commit ${JSON.stringify(commit)} in this repository. Give a hash, a tag, or HEAD~1.`);
  }
  const { stdout } = await run('git', ['log', '-1', '--format=%h %s', commit], { cwd: ROOT });
  return stdout.trim();
}
