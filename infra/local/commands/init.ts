import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../../shared/index.ts';

/** A project of its own, as it will be; npm would leave a `.gitignore` out of the package, and so it has another name there. */
const TEMPLATE = fileURLToPath(new URL('../template/', import.meta.url));
const RENAMED: Readonly<Record<string, string>> = { gitignore: '.gitignore' };

/**
 * `lambdesque init`: a project that installs, tests and synthesizes as it is.
 * @param version of this package, which the project will want
 * @throws ConfigError naming the files that are there already; nothing is written then
 */
export function init(folder: string, version: string): void {
  const target = resolve(folder);
  if (existsSync(target) && !statSync(target).isDirectory()) {
    throw new ConfigError(`init: ${target} is no folder. Name one that is empty, or that does not exist yet.`);
  }
  const files = readdirSync(TEMPLATE, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(TEMPLATE, path)).isFile())
    .sort();
  const named = (path: string) => RENAMED[path] ?? path;
  const there = files.map(named).filter((path) => existsSync(join(target, path)));
  if (there.length > 0) {
    throw new ConfigError(
      `init: ${there.sort().join(', ')} ${there.length === 1 ? 'is' : 'are'} in ${target} already, and not overwritten. ` +
        'Name an empty folder: lambdesque init <folder>',
    );
  }
  for (const path of files) {
    const to = join(target, named(path));
    mkdirSync(dirname(to), { recursive: true });
    if (path === 'package.json') writeFileSync(to, packageFor(target, version, vendored(target)));
    else cpSync(join(TEMPLATE, path), to);
  }
  console.log(told(target, files.map(named)));
}

interface PackageFile {
  readonly dependencies: Readonly<Record<string, string>>;
}

/** @param from where the project takes this package from, if not from the registry */
function packageFor(target: string, version: string, from: string | undefined): string {
  const template = JSON.parse(readFileSync(join(TEMPLATE, 'package.json'), 'utf8')) as PackageFile;
  const own = {
    ...template,
    name: nameFor(target),
    dependencies: { ...template.dependencies, lambdesque: from ?? `^${version}` },
  };
  return `${JSON.stringify(own, null, 2)}\n`;
}

/** The root of this package: four folders up, here and in what is published. */
const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url)).replace(/[\\/](dist[\\/])?$/, '');

/** The file that npm or npx installed this package from; undefined where it came from the registry, or is a clone. */
function installedFrom(): string | undefined {
  const lock = join(dirname(PACKAGE), '.package-lock.json');
  if (!existsSync(lock)) return undefined;
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as {
    readonly packages?: Readonly<Record<string, { readonly resolved?: string }>>;
  };
  const [, file] = /^file:(.*\.tgz)$/.exec(packages?.['node_modules/lambdesque']?.resolved ?? '') ?? [];
  return file && resolve(dirname(PACKAGE), '..', file);
}

/** Puts a copy of that file into the project, so that it installs everywhere. */
function vendored(target: string): string | undefined {
  const file = installedFrom();
  if (file === undefined) return undefined;
  mkdirSync(join(target, 'vendor'), { recursive: true });
  cpSync(file, join(target, 'vendor', basename(file)));
  return `file:vendor/${basename(file)}`;
}

/** What npm takes for a name. Not this package's own: one cannot depend on itself. */
function nameFor(target: string): string {
  const name = basename(target)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|[._-]+$/g, '');
  return name === '' || name === 'lambdesque' ? 'lambdesque-app' : name;
}

function told(target: string, files: readonly string[]): string {
  const folder = relative('.', target);
  const commands = [
    ...(folder === '' ? [] : [[`cd ${folder}`, '']]),
    ['npm install', ''],
    ['npm test', 'the types, and the test of the job'],
    ['npm run dev', 'worker, scheduler and a Redis on this machine; it says how to enqueue, and restarts on changes'],
    ['npm run synth', 'the stack for AWS; infra/app.ts says what it needs before npm run deploy'],
  ];
  const width = Math.max(...commands.map(([command = '']) => command.length));
  const lines = commands.map(([command = '', what]) =>
    `  ${command.padEnd(width)}  ${what ? `# ${what}` : ''}`.trimEnd(),
  );
  return [
    `Made ${files.length} files in ${target}: the job is functions/jobs/welcome.ts. Next:`,
    ...lines,
    ...tooOld(),
  ].join('\n');
}

/** The project's own TypeScript is run by Node.js as it is, where this package needs no such thing. */
function tooOld(): string[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || minor >= 18) return [];
  return [`npm run synth needs Node.js 22.18 or later, which runs TypeScript; this is ${process.versions.node}.`];
}
