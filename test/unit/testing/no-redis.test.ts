import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { ROOT } from '../../helpers/readmes.ts';

test('the kit has no way to Redis in it', async () => {
  const { metafile } = await build({
    entryPoints: [join(ROOT, 'shared/testing/index.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    metafile: true,
    write: false,
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs).toContain('shared/worker/attempt.ts');
  expect(inputs.filter((path) => /broker\/redis|ioredis|@upstash/.test(path))).toEqual([]);
});
