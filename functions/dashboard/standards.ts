import type { SecretForm } from '../backends/backend.ts';

/** Characters of a password. It is the only thing between the internet and the jobs. */
export const PASSWORD_LENGTH = 12;

/** Characters of a token that opens the metrics: made, not chosen. */
export const TOKEN_LENGTH = 20;

export const tokenForm: SecretForm = {
  accepts: (value) => value.length >= TOKEN_LENGTH && !/\s/.test(value),
  like: `a token of ${TOKEN_LENGTH} characters or more, without spaces`,
};

export const passwordForm: SecretForm = {
  accepts: (value) => value.length >= PASSWORD_LENGTH,
  like: `a password of ${PASSWORD_LENGTH} characters or more`,
};
