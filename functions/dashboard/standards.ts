import type { SecretForm } from '../backends/backend.ts';

/** Characters of a password. It is the only thing between the internet and the jobs. */
export const PASSWORD_LENGTH = 12;

/** Characters of a token that opens the metrics: made, not chosen. */
export const TOKEN_LENGTH = 20;

export const tokenForm: SecretForm = {
  accepts: (value) => value.length >= TOKEN_LENGTH && !/\s/.test(value),
  like: `a token of ${TOKEN_LENGTH} characters or more, without spaces`,
};

/** Characters of a key that signs jobs: made, not chosen. */
export const KEY_LENGTH = 32;

export const keyForm: SecretForm = {
  accepts: (value) => value.length >= KEY_LENGTH && !/\s/.test(value),
  like: `a key of ${KEY_LENGTH} characters or more, without spaces`,
};

export const passwordForm: SecretForm = {
  accepts: (value) => value.length >= PASSWORD_LENGTH,
  like: `a password of ${PASSWORD_LENGTH} characters or more`,
};
