import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FileWatch } from '../../infra/local/dev/file-watch.ts';
import { moduleFiles } from '../helpers/module-files.ts';

function watching(files: readonly string[]) {
  const folder = moduleFiles(Object.fromEntries(files.map((name) => [name, 'first'])));
  const path = (name: string) => join(folder, name);
  const watch = new FileWatch();
  onTestFinished(() => watch.close());
  watch.add(files.map(path));
  return { path, watch, save: (name: string, text = 'second') => writeFileSync(path(name), text) };
}

test('a file that is saved, and others that are saved with it, are told together', async () => {
  const { watch, save, path } = watching(['a.ts', 'b.ts', 'c.ts']);
  const next = watch.next();
  save('a.ts');
  save('c.ts');
  save('d.ts');
  expect((await next).sort()).toEqual([path('a.ts'), path('c.ts')]);
});

test('a file that is replaced, is removed, comes back, or whose folder is replaced', async () => {
  const { watch, save, path } = watching(['src/a.ts']);
  const changes: (() => void)[] = [
    () => {
      save('src/new', 'first');
      renameSync(path('src/new'), path('src/a.ts'));
    },
    () => rmSync(path('src/a.ts')),
    () => save('src/a.ts'),
    () => {
      rmSync(path('src'), { recursive: true });
      mkdirSync(path('src'));
      save('src/a.ts');
    },
  ];
  for (const change of changes) {
    const next = watch.next();
    change();
    expect(await next).toEqual([path('src/a.ts')]);
  }
});

test('a file that is not there yet', async () => {
  const { watch, save, path } = watching([]);
  watch.add([path('later/a.ts')]);
  const next = watch.next();
  mkdirSync(dirname(path('later/a.ts')));
  save('later/a.ts');
  expect(await next).toEqual([path('later/a.ts')]);
});

test('one that it hears of late has changed if it is younger than what was made of it', async () => {
  const { watch, save, path } = watching([]);
  save('old.ts');
  save('young.ts');
  utimesSync(path('old.ts'), 1_000, 1_000);
  utimesSync(path('young.ts'), 3_000, 3_000);
  const next = watch.next();
  const files = [path('old.ts'), path('young.ts')];
  watch.add(files, 2_000_000);
  expect(await next).toEqual([path('young.ts')]);
  // Told once: whoever starts anew for it hears of it again.
  const later = watch.next();
  watch.add(files, 2_000_000);
  save('old.ts');
  expect(await later).toEqual([path('old.ts')]);
});

test('sources that appear beside the others, where one is missing', async () => {
  const { watch, save, path } = watching(['src/a.ts']);
  watch.alsoBeside();
  const next = watch.next();
  save('src/notes.txt');
  save('src/b.ts');
  expect(await next).toEqual([path('src/b.ts')]);
});
