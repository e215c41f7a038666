/** The dashboard, for whoever serves it: the function beside this folder, and the commands of infra/local. */

export { createDashboard } from './app.ts';
export { CountedRedis } from './counted-redis.ts';
export type { Assets, DashboardOptions, Opened, Prices, SignIn } from './options.ts';
export { KEY_LENGTH, keyForm, PASSWORD_LENGTH, passwordForm, TOKEN_LENGTH, tokenForm } from './standards.ts';
