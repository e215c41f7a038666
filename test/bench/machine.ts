import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import type { Bed } from './bed.ts';

export interface Machine {
  readonly cpus: number;
  readonly model: string;
  readonly memoryGB: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** What the figures depend on. */
export async function machine({ redis }: Bed): Promise<Machine> {
  const server = await redis.client.info('server');
  const version = /^(?:valkey|redis)_version:(.*)\r$/m.exec(server)?.[1] ?? 'unknown';
  return {
    cpus: cpus().length,
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGB: Math.round(totalmem() / 2 ** 30),
    versions: {
      lambdesque: await versionIn('../../'),
      node: process.versions.node,
      redis: version,
      bullmq: await versionIn('../../node_modules/bullmq/'),
      'node-resque': await versionIn('../../node_modules/node-resque/'),
      ioredis: await versionIn('../../node_modules/ioredis/'),
    },
  };
}

async function versionIn(folder: string): Promise<string> {
  const text = await readFile(new URL(`${folder}package.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
