import { Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IStringParameter } from 'aws-cdk-lib/aws-ssm';
import type { SecretRef } from '../functions/contract/settings.ts';
import { omitUndefined } from './omit-undefined.ts';

/**
 * Where a secret value is kept: a secret of Secrets Manager that is the whole value, one field of a secret that is a
 * JSON object, or a SecureString parameter of SSM. Functions read it when they start; it is in no template.
 */
export type SecretSource = AnySecret | SecretField | IStringParameter;

// Secret does not fit its own interface under exactOptionalPropertyTypes, hence both types.
type AnySecret = ISecret | Secret;

/** One field of a secret that is a JSON object; or a secret whose key has to be told. */
export interface SecretField {
  /** The secret that has it. */
  readonly secret: AnySecret;
  /** A key of the JSON object that the secret is. @default the secret is the whole value */
  readonly field?: string;
  /**
   * The KMS key that the secret is encrypted with, if that is one of yours: a secret that is known by its name does not tell.
   * The functions get `kms:Decrypt` on it.
   * @default the secret's own `encryptionKey`, if CDK knows it; else AWS's key
   */
  readonly encryptionKey?: IKey | Key;
}

export function grantReadSecret(source: SecretSource, grantee: IGrantable): void {
  const { secret, encryptionKey = undefined } = isField(source) ? source : { secret: source };
  secret.grantRead(grantee);
  // CDK itself changes the policy of the key, which it cannot where the key is not of the same app.
  const key = encryptionKey ?? ('secretName' in secret ? secret.encryptionKey : undefined);
  if (key) allowDecrypt(key as IKey, grantee);
}

function allowDecrypt(key: IKey, grantee: IGrantable): void {
  const service = `secretsmanager.${Stack.of(key).region}.amazonaws.com`;
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['kms:Decrypt'],
      resources: [key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': service } },
    }),
  );
}

/** For a function's settings. */
export function secretRef(source: SecretSource): SecretRef {
  if (isField(source)) return { ...secretsManager(source.secret), ...omitUndefined({ field: source.field }) };
  return 'parameterName' in source ? { service: 'ssm', name: source.parameterName } : secretsManager(source);
}

function isField(source: SecretSource): source is SecretField {
  return 'secret' in source;
}

/** By its name where only that is known, since half an ARN can be mistaken; but another account's only by its ARN. */
function secretsManager(secret: AnySecret): SecretRef & { service: 'secretsmanager' } {
  const own = secret.env.account === Stack.of(secret).account;
  return { service: 'secretsmanager', id: secret.secretFullArn ?? (own ? secret.secretName : secret.secretArn) };
}
