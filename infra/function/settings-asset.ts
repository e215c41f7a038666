import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Stack, Stage, Token } from 'aws-cdk-lib';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { settingsFile } from '../../functions/contract/settings.ts';

type Json = Readonly<Record<string, unknown>>;

/** What is known now, and what only the deployment knows: names and ARNs of what it makes. */
interface SplitSettings {
  readonly known: Json;
  readonly deployed: Json;
}

/** @param settings values, some of which are CDK's tokens */
export function splitSettings(settings: object): SplitSettings {
  const known: Record<string, unknown> = {};
  const deployed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    if (isObject(value)) {
      const inner = splitSettings(value);
      if (Object.keys(inner.known).length > 0) known[key] = inner.known;
      if (Object.keys(inner.deployed).length > 0) deployed[key] = inner.deployed;
    } else if (holdsToken(value)) {
      deployed[key] = value;
    } else {
      known[key] = value;
    }
  }
  return { known, deployed };
}

/** Is a part of it known only when it is deployed? Of a list all of it is then left to the deployment. */
export function holdsToken(value: unknown): boolean {
  if (Token.isUnresolved(value)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsToken);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Token.isUnresolved(value);
}

/** CDK's own, of `cdk synth --no-staging`. */
const NO_STAGING = 'aws:cdk:disable-asset-staging';

/**
 * Puts settings into a function's asset, beside its bundle: the environment has 4 kB for all variables, which a long list
 * of queues alone can take. What esbuild makes is made once for all functions that are the same; each then has its own
 * asset, so that a change of one changes no other.
 */
export function addSettings(fn: NodejsFunction, settings: Json): void {
  const stage = Stage.of(fn);
  const folder = mkdtempSync(join(resolve(stage?.assetOutdir ?? '.'), 'lambdesque-function-'));
  const bundle = fn.node.findChild('Code') as Asset;
  // A path from the folder of the stage, which is another than the one of all assets.
  if (Stack.of(fn).bundlingRequired)
    cpSync(resolve(stage?.outdir ?? '.', bundle.assetPath), folder, { recursive: true });
  // Without bundling, as in tests and for `cdk destroy`, that is the folder of the sources; its hash tells bundles apart.
  else writeFileSync(join(folder, 'not-bundled'), bundle.assetHash);
  writeFileSync(join(folder, settingsFile), `${JSON.stringify(settings, null, 1)}\n`);
  const asset = new Asset(fn, 'BundleWithSettings', { path: folder });
  if (fn.node.tryGetContext(NO_STAGING) !== true) rmSync(folder, { recursive: true });
  const resource = fn.node.defaultChild as CfnFunction;
  resource.code = { s3Bucket: asset.s3BucketName, s3Key: asset.s3ObjectKey };
  asset.addResourceMetadata(resource, 'Code');
}
