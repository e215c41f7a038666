import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, bundle } from '../../../infra/build/bundle.ts';
import { builtPackage } from '../../helpers/built-package.ts';
import { withBundles } from './suite.ts';

/** Bytes, minified, without jobs. The library for TCP comes with its code for Redis Cluster and Sentinel. */
const BUDGET = { upstash: 306_000, tcp: 510_000 };

describe.each(['upstash', 'tcp'] as const)('the bundles over %s', (backend) => {
  let folder: string;
  let consumer: Bundle;
  let scheduler: Bundle;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lambdesque-sizes-'));
    const jobs = join(folder, 'jobs.ts');
    await writeFile(jobs, 'export default [];\n');
    consumer = await bundle({ entry: 'consumer', backend, jobs, outdir: join(folder, 'consumer') });
    scheduler = await bundle({ entry: 'scheduler', backend, jobs, outdir: join(folder, 'scheduler') });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Those of which more is left than the shell. */
  const packages = (one: Bundle) => one.content.filter(([, bytes]) => bytes > 500).map(([name]) => name);

  test('the consumer stays within its budget', () => {
    expect(consumer.bytes).toBeLessThan(BUDGET[backend]);
  });

  test('hold the library of one Redis backend, and no AWS SDK', () => {
    const foreign = backend === 'tcp' ? /upstash|@aws-sdk|@smithy/ : /ioredis|@aws-sdk|@smithy/;
    for (const one of [consumer, scheduler]) {
      expect(packages(one).filter((name) => foreign.test(name))).toEqual([]);
    }
  });

  test('hold what they need: the consumer no scheduler, the scheduler no jobs', () => {
    expect(packages(consumer)).not.toContain('croner');
    // Only what asks the scheduler for a run: on-demand.ts.
    expect(Object.fromEntries(consumer.content)['shared/scheduler']).toBeLessThan(2_500);
    expect(packages(scheduler)).toContain('croner');
  });
});

test('of the compiled package they are as small as of the sources', async () => {
  const folder = await builtPackage();
  const of = await import(pathToFileURL(join(folder, 'dist/functions/contract/bundling.js')).href);
  for (const entry of ['consumer', 'scheduler'] as const) {
    for (const backend of ['upstash', 'tcp'] as const) {
      const options = { entry, backend, jobs: 'functions/jobs/index.ts' };
      const compiled = await bundle({ ...options, outdir: join(folder, 'compiled'), of });
      const sources = await bundle({ ...options, outdir: join(folder, 'sources') });
      expect(compiled.bytes).toBeLessThanOrEqual(sources.bytes);
    }
  }
});

withBundles(({ consumer }) => {
  test('a cold start is quick', async () => {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const lambda = await consumer();
      const { ms } = await lambda.invoke();
      times.push(lambda.initMs, lambda.initMs + ms);
    }
    const best = (offset: number) => Math.min(...times.filter((_, i) => i % 2 === offset)).toFixed(0);
    console.log(`import ${best(0)} ms, to the end of a first drain of empty queues ${best(1)} ms (the best of five)`);
  });
});
