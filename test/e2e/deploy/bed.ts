/** What a deployment needs, all of it local: a Redis, Upstash's REST API before it, an AWS, and the code. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { startUpstash, type UpstashServer } from '../../helpers/upstash-server.ts';
import { type AwsCalls, awsCalls } from './aws-calls.ts';
import { type Ministack, runFolder, startMinistack } from './ministack.ts';
import { makeProject, type Project } from './project.ts';

export interface Bed {
  readonly redis: TestRedis;
  readonly upstash: UpstashServer;
  readonly ministack: Ministack;
  readonly aws: AwsCalls;
  readonly project: Project;
  readonly folder: string;
  /** The last lines of the local AWS, and of these log groups: a fresh machine of CI keeps no folder. */
  lastWords(groups: readonly string[]): Promise<string>;
  /** @param keep leave the folder, for its logs. @default false */
  stop(options?: { readonly keep?: boolean }): Promise<void>;
}

export async function makeBed(): Promise<Bed> {
  // What has begun ends, also where the next could not.
  await using begun = new AsyncDisposableStack();
  const folder = await runFolder();
  const redis = await startRedis();
  begun.defer(() => redis.stop());
  const upstash = await startUpstash(redis.url);
  begun.defer(() => upstash.stop());
  const ministack = await startMinistack(folder);
  begun.defer(() => ministack.stop());
  const aws = awsCalls(ministack);
  // As the README says: the one thing that is made by hand.
  await aws.createSecret('lambdesque/upstash', { url: upstash.url, token: upstash.token });
  const project = await makeProject(join(folder, 'project'), ministack.env);
  const all = begun.move();
  return {
    redis,
    upstash,
    ministack,
    aws,
    project,
    folder,
    async lastWords(groups) {
      const parts = [`The local AWS:\n${tail((await readFile(join(folder, 'ministack.log'), 'utf8')).split('\n'))}`];
      for (const group of groups) {
        const lines = await aws.logLines(group).catch((error: unknown) => [{ text: String(error) }]);
        parts.push(`${group}:\n${tail(lines.map(({ text }) => text.trimEnd()))}`);
      }
      return parts.join('\n\n');
    },
    async stop({ keep = false } = {}) {
      await all.disposeAsync();
      if (!keep) await rm(folder, { recursive: true, force: true });
    },
  };
}

const LINES = 40;

function tail(lines: readonly string[]): string {
  return lines.slice(-LINES).join('\n');
}
