import { join } from 'node:path';
import { builtPackage } from '../../helpers/built-package.ts';
import { freshFolder, ROOT } from '../../helpers/fresh-folder.ts';

export interface Tarball {
  /** Its path. */
  readonly file: string;
  /** Paths in it. */
  readonly files: readonly string[];
  /** Bytes of its files. */
  readonly unpacked: number;
}

/** What `npm publish` would send. @param from a folder, whose scripts are not run @default this repository, which is built first */
export async function tarball(from?: string): Promise<Tarball> {
  const { path, run } = freshFolder();
  const scripts = from === undefined ? [] : ['--ignore-scripts'];
  const args = ['pack', from ?? ROOT, '--json', '--loglevel=error', '--foreground-scripts=false', ...scripts];
  const { code, stdout, stderr } = await run('npm', [...args, '--pack-destination', path]);
  if (code !== 0) throw new Error(`npm pack failed:\n${stdout}${stderr}`);
  const [packed] = JSON.parse(stdout) as [{ filename: string; unpackedSize: number; files: { path: string }[] }];
  const { filename, files, unpackedSize } = packed;
  return { file: join(path, filename), files: files.map((one) => one.path), unpacked: unpackedSize };
}

/** The same, for a test file beside the one that lets `npm pack` build. */
export const builtTarball = async (): Promise<Tarball> => tarball(await builtPackage());
