import { execFile, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { promisify } from 'node:util';

/** Reads the READMEs, and checks that what they say exists. Every check answers problems, each with file and line. */

export const ROOT = join(import.meta.dirname, '../..');

export interface Doc {
  /** From the top of the repository. */
  readonly path: string;
  readonly text: string;
  /** Fenced code. */
  readonly blocks: readonly Block[];
  /** Code within the text, and the trees of folders, which are indented. */
  readonly codes: readonly Place[];
  readonly trees: readonly Place[];
  readonly links: readonly Place[];
  /** As the anchors of links have them. */
  readonly headings: readonly string[];
}

export interface Place {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

export interface Block extends Place {
  readonly language: string;
}

/** A ts block says in its first line where it belongs: `// functions/jobs/hello.ts`. */
const TITLE = /^\/\/ (\S+\.ts)$/m;

export function readDoc(path: string, text = readFileSync(join(ROOT, path), 'utf8')): Doc {
  const blocks: Block[] = [];
  const [codes, trees, links]: Place[][] = [[], [], []];
  const headings: string[] = [];
  let open: { readonly language: string; readonly from: number } | undefined;
  const lines = text.split('\n');
  for (const [i, content] of lines.entries()) {
    const fence = /^```(\w*)/.exec(content);
    if (fence) {
      if (open) blocks.push({ ...open, line: open.from + 1, text: lines.slice(open.from, i).join('\n') });
      open = open ? undefined : { language: fence[1] ?? '', from: i + 1 };
    } else if (!open) {
      const line = i + 1;
      if (content.startsWith('    ')) trees?.push({ line, text: content });
      for (const [, code = ''] of content.matchAll(/`([^`]+)`/g)) codes?.push({ line, text: code });
      for (const [, target = ''] of content.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
        links?.push({ line, text: target });
      }
      const heading = /^#+ (.*)/.exec(content)?.[1];
      if (heading)
        headings.push(
          heading
            .toLowerCase()
            .replace(/[^\w\s-]/g, '')
            .replace(/\s/g, '-'),
        );
    }
  }
  return { path, text, blocks, codes: codes ?? [], trees: trees ?? [], links: links ?? [], headings };
}

export function readDocs(): Doc[] {
  const paths = ['*.md', '{functions,infra,shared,test}/**/*.md'].flatMap((pattern) =>
    globSync(pattern, { cwd: ROOT }),
  );
  // What has been is no more; it may be named.
  return paths.filter((path) => path !== 'CHANGELOG.md').map((path) => readDoc(path));
}

/** What there is. */
export interface Facts {
  exists(path: string): boolean;
  readonly scripts: readonly string[];
  /** By command of `lambdesque`: its help. */
  readonly helps: ReadonlyMap<string, string>;
  /** Help texts of the other programs here. */
  readonly usages: readonly string[];
  /** Every identifier of the sources, and of the blocks. */
  readonly words: ReadonlySet<string>;
}

const at = (doc: Doc, { line }: Place, problem: string) => `${doc.path}:${line} ${problem}`;

/** Links that lead nowhere. */
export function brokenLinks(doc: Doc, docs: readonly Doc[], facts: Pick<Facts, 'exists'>): string[] {
  return doc.links.flatMap((link) => {
    if (/^https?:/.test(link.text)) return [];
    const [file = '', anchor] = link.text.split('#');
    const path = file === '' ? doc.path : posix.join(posix.dirname(doc.path), file);
    if (!facts.exists(path)) return [at(doc, link, `links to ${path}, which does not exist`)];
    const target = docs.find((one) => one.path === path);
    if (anchor === undefined || target?.headings.includes(anchor)) return [];
    return [at(doc, link, `links to #${anchor}, and ${path} has no such heading`)];
  });
}

const SHELL = ['sh', 'dockerfile', 'ini'];

/** Every place that may hold a command: lines of shell blocks, without comments and with what continues them, and codes. */
export function commandsOf(doc: Doc): Place[] {
  const shell = doc.blocks.filter(({ language }) => SHELL.includes(language));
  const lines = shell.flatMap(({ line, text }) =>
    text.split('\n').flatMap((one, i, all) => {
      if (all[i - 1]?.endsWith('\\')) return [];
      let whole = one;
      for (let next = i + 1; whole.endsWith('\\'); next++) whole = whole.slice(0, -1) + (all[next] ?? '');
      return [{ line: line + i, text: whole.replace(/\s#\s.*$/, '') }];
    }),
  );
  return [...lines, ...doc.codes];
}

/** Paths of this repository, from its top or from the folder of the document. @param made those that the blocks make */
export function missingPaths(doc: Doc, facts: Pick<Facts, 'exists'>, made: readonly string[]): string[] {
  const here = posix.dirname(doc.path);
  const isThere = (path: string) =>
    [path, posix.join(here, path)].some((one) => facts.exists(one) || made.includes(one));
  const paths = commandsOf(doc).flatMap(({ line, text }) => {
    const found = text.match(/(?<![\w./<:@-])(?:\.\/)?(?:[\w.-]+\/)+[\w.-]*(?![\w*<{/-])/g) ?? [];
    return found
      .filter((path) => /^(\.\/)?(functions|infra|shared|test)\//.test(path) || /\.(ts|cjs|mjs|md|json)$/.test(path))
      .filter((path) => !path.startsWith('dist/'))
      .map((path) => ({ line, path }));
  });
  const inTrees = doc.trees.flatMap(({ line, text }) =>
    (text.match(/(?<![\w/])[\w.-]+(?:\/[\w.-]+)*(?:\.ts\b|\/(?=[\s,]))/g) ?? []).map((path) => ({ line, path })),
  );
  return [...paths, ...inTrees]
    .filter(({ path }) => !isThere(posix.normalize(path)))
    .map((one) => at(doc, { line: one.line, text: '' }, `names ${one.path}, which does not exist`));
}

/** npm scripts, and commands and flags of ours. */
export function unknownCommands(
  doc: Doc,
  { scripts, helps, usages }: Pick<Facts, 'scripts' | 'helps' | 'usages'>,
): string[] {
  const all = [...helps.values(), ...usages];
  return commandsOf(doc).flatMap((place) => {
    const problems: string[] = [];
    const text = place.text.replace(/[[\]",]+/g, ' ');
    for (const [, run, own] of text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)) {
      const script = run ?? own ?? '';
      if (!scripts.includes(script))
        problems.push(at(doc, place, `names the npm script ${script}, which does not exist`));
    }
    const [, command, rest = ''] = /(?:\blambdesque|\bcli\.ts) +([a-z][\w-]*)(?![\w/]*\/)(.*)/.exec(text) ?? [];
    const help = command === undefined ? undefined : helps.get(command);
    if (command !== undefined && help === undefined) {
      problems.push(at(doc, place, `names the command lambdesque ${command}, which does not exist`));
    }
    const ofOurs =
      command !== undefined ? rest : /\bnpm run (?:bench|chaos)\b/.test(text) || text.startsWith('--') ? text : '';
    for (const flag of ofOurs.match(/(?<![\w-])--[a-z][\w-]*/g) ?? []) {
      const known = (one: string) => new RegExp(`${flag}(?![\\w-])`).test(one);
      if (help === undefined ? !all.some(known) : !known(help)) {
        problems.push(
          at(doc, place, `names the flag ${flag}${command ? ` of lambdesque ${command}` : ''}, which does not exist`),
        );
      }
    }
    return problems;
  });
}

/** Names of ours, by their form: `camelCase`, `PascalCase`, `SomeError`. */
export function unknownNames(doc: Doc, { words }: Pick<Facts, 'words'>): string[] {
  return doc.codes.flatMap((place) =>
    (place.text.match(/(?<![\w<:/$-])(?:[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|\w+Error)\b/g) ?? [])
      .filter((name) => !words.has(name))
      .map((name) => at(doc, place, `names ${name}, which is nowhere in the code`)),
  );
}

/** Shell blocks that a shell cannot read. */
export function unreadableShell(doc: Doc): string[] {
  return doc.blocks
    .filter(({ language }) => language === 'sh')
    .flatMap((block) => {
      // `<name>` stands for something of the reader's.
      const { status, stderr } = spawnSync('bash', ['-n'], {
        input: block.text.replace(/<[\w ,-]+>/g, 'x'),
        encoding: 'utf8',
      });
      return status === 0 ? [] : [at(doc, block, stderr.trim())];
    });
}

/** Where the ts blocks belong. */
export const titlesOf = (doc: Doc): string[] =>
  doc.blocks.flatMap(({ language, text }) => (language === 'ts' ? [TITLE.exec(text)?.[1] ?? []].flat() : []));

/**
 * What the compiler says of every ts block, as it stands. Each is a file where its first line says, beside the real ones,
 * and may import what other blocks make.
 */
export async function typeErrors(docs: readonly Doc[]): Promise<string[]> {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'dist/docs-'));
  try {
    const blocks = docs.flatMap((doc) =>
      doc.blocks.filter(({ language }) => language === 'ts').map((block) => ({ doc, block })),
    );
    for (const [i, { block }] of blocks.entries()) {
      const file = join(folder, String(i), TITLE.exec(block.text)?.[1] ?? 'block.ts');
      mkdirSync(dirname(file), { recursive: true });
      // The compiler's line is the document's.
      writeFileSync(file, '\n'.repeat(block.line - 1) + block.text);
    }
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        moduleDetection: 'force',
        rootDirs: [ROOT, ...blocks.keys().map((i) => join(folder, String(i)))],
      },
      include: ['**/*.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const run = promisify(execFile)(process.execPath, [tsc, '--pretty', 'false', '-p', folder], { cwd: folder });
    const { stdout } = await run.catch((error: { stdout?: string }) => ({ stdout: error.stdout || String(error) }));
    return stdout
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => line.replace(/^(\d+)\/\S+?\((\d+),\d+\)/, (_, i, at) => `${blocks[Number(i)]?.doc.path}:${at}`));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
