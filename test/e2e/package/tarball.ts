import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtPackage } from '../../helpers/built-package.ts';
import { freshFolder, ROOT } from '../../helpers/fresh-folder.ts';
import { sharedFolder } from '../../helpers/shared-folder.ts';

export interface Tarball {
  /** Its path. */
  readonly file: string;
  /** Paths in it. */
  readonly files: readonly string[];
  /** Bytes of its files. */
  readonly unpacked: number;
}

/** What `npm publish` would send: this repository is built first. */
export const tarball = (): Promise<Tarball> => pack(ROOT, freshFolder().path);

/** The same, for test files beside the one that lets `npm pack` build. */
export async function builtTarball(): Promise<Tarball> {
  const folder = await sharedFolder('tarball', async (into) => {
    const packed = await pack(await builtPackage(), into, '--ignore-scripts');
    writeFileSync(join(into, 'tarball.json'), JSON.stringify(packed));
  });
  return JSON.parse(readFileSync(join(folder, 'tarball.json'), 'utf8')) as Tarball;
}

async function pack(from: string, into: string, ...options: readonly string[]): Promise<Tarball> {
  const args = ['pack', from, '--json', '--loglevel=error', '--foreground-scripts=false', ...options];
  const { code, stdout, stderr } = await freshFolder().run('npm', [...args, '--pack-destination', into]);
  if (code !== 0) throw new Error(`npm pack failed:\n${stdout}${stderr}`);
  const [packed] = JSON.parse(stdout) as [{ filename: string; unpackedSize: number; files: { path: string }[] }];
  const { filename, files, unpackedSize } = packed;
  return { file: join(into, filename), files: files.map((one) => one.path), unpacked: unpackedSize };
}
