import type { SecretForm } from '../backends/backend.ts';

/** List prices of us-east-1, USD: Lambda on ARM for a GB-second; Upstash, pay as you go, for 100,000 commands. */
export const lambdaPrices = { gbSecond: 0.0000133334, commands: 0.2 } as const;

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
