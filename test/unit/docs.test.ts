import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { addInspector } from '../../infra/local/commands/inspect/index.ts';
import { jobOptionNames } from '../../shared/job/define.ts';
import { usage as benchUsage } from '../bench/options.ts';
import { programHere } from '../helpers/cli-here.ts';
import {
  brokenLinks,
  type Facts,
  missingPaths,
  ROOT,
  readDoc,
  readDocs,
  titlesOf,
  typeErrors,
  unknownCommands,
  unknownNames,
  unreadableShell,
} from '../helpers/readmes.ts';

/** What the READMEs show compiles, and what they name exists. */

const docs = readDocs();
const made = docs.flatMap(titlesOf);
/** Names of other programs. */
const OTHERS = ['ResQ', 'ExecStart'];
const LANGUAGES = ['sh', 'text', 'ts', 'ruby', 'php', 'python', 'go', 'js', 'json', 'ini', 'dockerfile', 'yaml', 'hcl'];

const wrong = readDoc(
  'test/README.md',
  [
    '# Wrong',
    'A [link](../nowhere.md), one [to a heading](#right), `npm run nothing`, `lambdesque wrok`, `--nowhere 3`,',
    '`shared/nowhere.ts`, `helpers/nowhere.ts`, `createNothing(…)`, `NothingError`.',
    '',
    '    nothing/     a folder',
    '```sh',
    'npx lambdesque work \\',
    '  --queues a --nothing',
    'node infra/nowhere.ts "',
    '```',
    '```ts',
    '// functions/jobs/wrong.ts',
    "import { defineNothing } from 'lambdesque';",
    'defineNothing({ class: 1 });',
    '```',
  ].join('\n'),
);
/** What the compiler calls that document. */
const WRONG = 'wrong.md';
/** Of one run of it, which takes seconds. */
let errors: Promise<string[]>;

const exists = (path: string) => existsSync(join(ROOT, path));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
let facts: Facts;

const help = async (...command: readonly string[]) => (await programHere([...command, '--help'])).stdout;

/** Of `queues`, `failed` and the like, the help of what can be done with them. */
function helpsOfVerbs(): Map<string, string> {
  const program = new Command();
  addInspector(program, {});
  return new Map(
    program.commands.map((noun) => [noun.name(), noun.commands.map((verb) => verb.helpInformation()).join()]),
  );
}

beforeAll(async () => {
  errors = typeErrors([...docs, { ...wrong, path: WRONG }]);
  const commands = /^Commands:\n([\s\S]*)/m.exec(await help())?.[1]?.match(/^ {2}[a-z][\w-]*/gm) ?? [];
  const names = commands.map((line) => line.trim()).filter((name) => name !== 'help');
  const helps = new Map<string, string>();
  for (const name of names) helps.set(name, await help(name));
  for (const [noun, verbs] of helpsOfVerbs()) helps.set(noun, `${helps.get(noun)}${verbs}`);
  const sources = ['functions', 'infra', 'shared', 'test'].flatMap((top) => globSync(`${top}/**/*.ts`, { cwd: ROOT }));
  const blocks = docs.flatMap((doc) => doc.blocks.filter(({ language }) => language === 'ts'));
  const own = 'test/unit/docs.test.ts';
  const texts = [...sources.filter((path) => path !== own).map(read), ...blocks.map(({ text }) => text)];
  facts = {
    exists,
    helps,
    scripts: Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts),
    usages: [benchUsage, read('test/chaos/run.ts')],
    words: new Set([...OTHERS, ...texts.flatMap((text) => text.match(/[A-Za-z_$][\w$]*/g) ?? [])]),
  };
});

test('README is the front page: 160 lines at most', () => {
  expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(160);
});

test('README shows ten lines of the measured figures, as they stand there', () => {
  const rows = (path: string) =>
    (/## Figures\n+((?:\|.*\n)+)/.exec(read(path)) ?? [])[1]?.trimEnd().split('\n').slice(2);
  const shown = rows('README.md') ?? [];
  expect(shown).toHaveLength(10);
  expect(read('test/bench/FIGURES.md')).toContain(shown.join('\n'));
});

test('the changelog has sections of Keep a Changelog, each once, and tells each change once', () => {
  const [, unreleased = ''] = /## \[Unreleased\]\n([\s\S]*?)\n## \[/.exec(read('CHANGELOG.md')) ?? [];
  const sections = [...unreleased.matchAll(/^### (.*)$/gm)].map((found) => found[1]);
  expect(sections).toEqual(
    ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'].filter((one) => sections.includes(one)),
  );
  const changes: readonly string[] = unreleased.replaceAll('\n  ', ' ').match(/^- .{40}/gm) ?? [];
  expect(changes.filter((one, i) => changes.indexOf(one) !== i)).toEqual([]);
});

/** The first cells of a table's rows, by how its head begins. */
function firstCells(path: string, head: string): string {
  const lines = read(path).split('\n');
  const rows = lines.slice(lines.findIndex((line) => line.startsWith(`| ${head} `)) + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) => line.split(' | ')[0])
    .join('\n');
}

describe('a table of all there is leaves nothing out', () => {
  test('of what a definition may say', () => {
    const cells = firstCells('functions/README.md', 'option');
    const options = Object.keys({ ...jobOptionNames, delivery: true, perform: true });
    expect(options.filter((name) => !cells.includes(`\`${name}`))).toEqual([]);
  });

  test('of what a handler gets', () => {
    const cells = firstCells('functions/README.md', '`ctx.`');
    const [, context = ''] = /export interface JobContext \{([\s\S]*?)\n\}/.exec(read('shared/job/context.ts')) ?? [];
    const names = [...context.matchAll(/^ {2}(?:readonly )?(\w+)(?=[:(])/gm)].map((found) => found[1]);
    expect(names).toContain('timeLeft');
    expect(names.filter((name) => !cells.includes(`\`${name}`))).toEqual([]);
  });

  test('of what can be imported', () => {
    const cells = firstCells('infra/README.md', 'import');
    const { name, exports } = JSON.parse(read('package.json')) as { readonly name: string; readonly exports: object };
    const imports = Object.keys(exports).filter((path) => !path.endsWith('.json'));
    expect(imports.filter((path) => !cells.includes(`\`${path.replace('.', name)}\``))).toEqual([]);
  });

  test.each(['shared', 'functions', 'functions/dashboard', 'infra', 'infra/local', 'test'])(
    'of the folders in %s',
    (folder) => {
      const doc = read(`${folder}/README.md`);
      const folders = readdirSync(join(ROOT, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory());
      expect(folders.map(({ name }) => name).filter((name) => !doc.includes(`${name}/`))).toEqual([]);
    },
  );

  test('of the keys in Redis', () => {
    const cells = firstCells('shared/README.md', 'key');
    const keys = [...read('shared/broker/keys.ts').matchAll(/`\$\{ns\}([a-z][\w:-]*)/g)].map((found) => found[1]);
    expect(keys).toContain('queues');
    expect(keys.filter((key) => !cells.includes(`\`${key}`))).toEqual([]);
  });
});

test('every ts block compiles as it stands', async () => {
  expect(made.length).toBeGreaterThan(5);
  expect((await errors).filter((error) => !error.startsWith(WRONG))).toEqual([]);
});

describe.each(docs.map((doc) => [doc.path, doc] as const))('%s', (_path, doc) => {
  test('links to what exists', () => expect(brokenLinks(doc, docs, facts)).toEqual([]));
  test('names paths that exist', () => expect(missingPaths(doc, facts, made)).toEqual([]));
  test('names scripts, commands and flags that exist', () => expect(unknownCommands(doc, facts)).toEqual([]));
  test('names things that are in the code', () => expect(unknownNames(doc, facts)).toEqual([]));
  test('has shell blocks that a shell can read', () => expect(unreadableShell(doc)).toEqual([]));
  test.skipIf(doc.path === 'README.md')('has lines of 140 characters at most, but for tables and blocks', () => {
    const prose = read(doc.path).replaceAll(/^```[\s\S]*?^```/gm, (block) => '\n'.repeat(block.split('\n').length - 1));
    const long = prose.split('\n').flatMap((line, i) => (line.length > 140 && !/^(\||!\[)/.test(line) ? [i + 1] : []));
    expect(long.map((line) => `${doc.path}:${line}`)).toEqual([]);
  });
  test('says of every block what it is', () => {
    const others = doc.blocks.filter(({ language }) => !LANGUAGES.includes(language));
    expect(others.map(({ line, language }) => `${doc.path}:${line} ${language || 'no language'}`)).toEqual([]);
  });
});

describe('these checks', () => {
  test('find what is wrong, and say where', () => {
    expect(brokenLinks(wrong, [wrong], facts)).toEqual([
      'test/README.md:2 links to nowhere.md, which does not exist',
      'test/README.md:2 links to #right, and test/README.md has no such heading',
    ]);
    expect(missingPaths(wrong, facts, [])).toEqual(
      ['9 names infra/nowhere.ts', '3 names shared/nowhere.ts', '3 names helpers/nowhere.ts', '5 names nothing/'].map(
        (text) => `test/README.md:${text}, which does not exist`,
      ),
    );
    expect(unknownCommands(wrong, facts)).toEqual(
      [
        '7 names the flag --nothing of lambdesque work',
        '2 names the npm script nothing',
        '2 names the command lambdesque wrok',
        '2 names the flag --nowhere',
      ].map((text) => `test/README.md:${text}, which does not exist`),
    );
    expect(unknownNames(wrong, facts)).toEqual([
      'test/README.md:3 names createNothing, which is nowhere in the code',
      'test/README.md:3 names NothingError, which is nowhere in the code',
    ]);
    expect(unreadableShell(wrong)).toHaveLength(1);
  });

  test('show what the compiler says at its line of the document', async () => {
    expect((await errors).filter((error) => error.startsWith(WRONG))).toEqual([
      expect.stringMatching(/^wrong\.md:13: error TS\d+: .*defineNothing/),
    ]);
  });
});
