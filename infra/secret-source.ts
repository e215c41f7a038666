import { Stack } from 'aws-cdk-lib';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IStringParameter } from 'aws-cdk-lib/aws-ssm';
import type { SecretRef } from '../functions/contract/settings.ts';

/**
 * Where a secret value is kept: a secret of Secrets Manager that is the whole value, one field of a secret that is a
 * JSON object, or a SecureString parameter of SSM. Functions read it when they start; it is in no template.
 */
export type SecretSource = AnySecret | SecretField | IStringParameter;

// Secret does not fit its own interface under exactOptionalPropertyTypes, hence both types.
type AnySecret = ISecret | Secret;

/** One field of a secret that is a JSON object. */
export interface SecretField {
  /** The secret that has it. */
  readonly secret: AnySecret;
  /** A key of the JSON object that the secret is. */
  readonly field: string;
}

export function grantReadSecret(source: SecretSource, grantee: IGrantable): void {
  if (isField(source)) source.secret.grantRead(grantee);
  else source.grantRead(grantee);
}

/** For a function's settings. */
export function secretRef(source: SecretSource): SecretRef {
  if (isField(source)) return { ...secretsManager(source.secret), field: source.field };
  return 'parameterName' in source ? { service: 'ssm', name: source.parameterName } : secretsManager(source);
}

function isField(source: SecretSource): source is SecretField {
  return 'field' in source;
}

/** By its name where only that is known, since half an ARN can be mistaken; but another account's only by its ARN. */
function secretsManager(secret: AnySecret): SecretRef & { service: 'secretsmanager' } {
  const own = secret.env.account === Stack.of(secret).account;
  return { service: 'secretsmanager', id: secret.secretFullArn ?? (own ? secret.secretName : secret.secretArn) };
}
