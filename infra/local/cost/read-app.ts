import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../../../shared/index.ts';
import { environment } from '../../../shared/internal.ts';
import { type SystemMetadata, systemMetadata } from '../../system-metadata.ts';

/**
 * The one system of a CDK app.
 * @param path its main file, which is run, without bundling; or the folder of one that was synthesized
 * @param only path of the construct, where there are several
 * @throws ConfigError
 */
export async function readApp(path: string, only?: string): Promise<SystemMetadata> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new ConfigError(`--app: ${path} is not there. Give the main file of a CDK app, or its cdk.out folder.`);
  }
  if (statSync(file).isDirectory()) return systemOf(file, path, only);
  const folder = mkdtempSync(join(tmpdir(), 'lambdesque-cost-'));
  try {
    await synthesize(file, path, folder);
    return systemOf(folder, path, only);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function synthesize(file: string, path: string, folder: string): Promise<void> {
  const cdk = existsSync('cdk.json') ? (JSON.parse(readFileSync('cdk.json', 'utf8')) as { context?: object }) : {};
  // Bundles take long, and cost nothing.
  const context = { ...cdk.context, 'aws:cdk:bundling-stacks': [] };
  const env = { ...environment, CDK_OUTDIR: folder, CDK_CONTEXT_JSON: JSON.stringify(context) };
  await promisify(execFile)(process.execPath, [file], { env }).catch((cause: Error & { stderr?: string }) => {
    throw new ConfigError(
      `--app: ${path} cannot be synthesized by node: ${cause.stderr?.trim() || cause.message}\n` +
        'If it needs something else than node, run `npx cdk synth`, and give --app cdk.out.',
      { cause },
    );
  });
}

interface Entry {
  readonly type: string;
  readonly data?: unknown;
}

function systemOf(folder: string, path: string, only: string | undefined): SystemMetadata {
  const found = new Map<string, SystemMetadata>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(json|metadata)$/.test(name) || /(^|[\\/])asset\./.test(name)) continue;
    for (const [construct, data] of metadataIn(JSON.parse(readFileSync(join(folder, name), 'utf8')))) {
      found.set(construct.replace(/^\//, ''), data);
    }
  }
  const names = [...found.keys()].sort().join(', ');
  if (only !== undefined) {
    const one = found.get(only);
    if (one) return one;
    throw new ConfigError(`--system: there is no ${JSON.stringify(only)} in ${path}; there is ${names || 'none'}.`);
  }
  const [first, ...others] = found.values();
  if (!first) {
    throw new ConfigError(`--app: ${path} has no Lambdesque construct, or was synthesized by another version of it.`);
  }
  if (others.length > 0) throw new ConfigError(`--app: ${path} has several systems: ${names}. Give one with --system.`);
  return first;
}

/** Of any construct: manifests have metadata by construct, in one file or in another beside it. */
function* metadataIn(json: unknown): Generator<[string, SystemMetadata]> {
  if (typeof json !== 'object' || json === null) return;
  for (const [key, value] of Object.entries(json)) {
    const entries: readonly Entry[] = Array.isArray(value) && key.startsWith('/') ? value : [];
    for (const entry of entries) if (entry.type === systemMetadata) yield [key, entry.data as SystemMetadata];
    if (entries.length === 0) yield* metadataIn(value);
  }
}
