import { ConfigError } from '../../shared/index.ts';
import type { RedisClient } from '../../shared/internal.ts';
import type { RedisSettings, SecretRef } from '../contract/settings.ts';

/** Gives the value of a secret, from where it is kept. */
export type ReadSecret = (ref: SecretRef) => Promise<string>;

/**
 * What the module `lambdesque-backend` of a bundle exports as `connect`: upstash.ts or tcp.ts beside this file, so that
 * a bundle holds the one Redis library that it needs. Reads the secrets anew each time.
 */
export type Connect = (redis: RedisSettings, readSecret: ReadSecret) => Promise<RedisClient>;

/** What a secret must look like; the error does not show it. */
export interface SecretForm {
  accepts(value: string): boolean;
  readonly like: string;
}

/** The text that a setting holds or points to. */
export async function settingValue(
  setting: string | SecretRef,
  readSecret: ReadSecret,
  form: SecretForm,
): Promise<string> {
  if (typeof setting === 'string') return setting;
  const value = (await readSecret(setting)).trim();
  if (form.accepts(value)) return value;
  throw new ConfigError(
    `The secret ${nameOf(setting)} must hold ${form.like}; it holds something else (not shown, ${value.length} characters).`,
  );
}

export function nameOf(ref: SecretRef): string {
  return ref.service === 'ssm' ? ref.name : ref.field === undefined ? ref.id : `${ref.id}, field ${ref.field},`;
}

export function wrongBundle(built: RedisSettings['kind'], got: RedisSettings['kind']): ConfigError {
  return new ConfigError(
    `This bundle was built for redis.kind "${built}"; got "${got}". Build it with the other backend.`,
  );
}
