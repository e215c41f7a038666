import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as Esbuild from 'esbuild';

/** What the pages load, compiled: part of what is published. */
const COMPILED = fileURLToPath(new URL('../../functions/dashboard/assets.js', import.meta.url));
const BROWSER = fileURLToPath(new URL('../../functions/dashboard/browser', import.meta.url));
/** In the repository it is made anew, as the sources are now. */
const MADE = fileURLToPath(new URL('../../dist/dashboard/assets.js', import.meta.url));

/**
 * The module that exports `assets`, the script and the style sheet of the dashboard's pages.
 * @returns its path
 */
export function dashboardAssets(): string {
  if (existsSync(COMPILED)) return COMPILED;
  writeDashboardAssets(MADE);
  return MADE;
}

/** @param file gets the module  @returns what is in it */
export function writeDashboardAssets(file: string): { readonly script: string; readonly style: string } {
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof Esbuild;
  const { outputFiles = [] } = buildSync({
    entryPoints: [join(BROWSER, 'main.ts'), join(BROWSER, 'page.css')],
    outdir: dirname(file),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  });
  const textOf = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
  const assets = { script: textOf('main.js'), style: textOf('page.css') };
  const module = `export const assets = ${JSON.stringify(assets)};\n`;
  if (!existsSync(file) || readFileSync(file, 'utf8') !== module) {
    mkdirSync(dirname(file), { recursive: true });
    // Others may read it at this moment.
    const whole = `${file}.${process.pid}`;
    writeFileSync(whole, module);
    renameSync(whole, file);
  }
  return assets;
}
