import { connect } from 'lambdesque-backend';
import { tracer } from 'lambdesque-telemetry';
import { createRegistry, environment } from '../../shared/internal.ts';
import { schedulerSettings, settingsVariable } from '../contract/settings.ts';
import { knownClasses } from '../runtime/known-classes.ts';
import { settingsText } from '../runtime/settings-text.ts';
import { schedulerHandler } from '../scheduler.ts';

const settings = schedulerSettings(settingsText(import.meta.url, environment[settingsVariable]));

export const handler = schedulerHandler({
  settings,
  tracer,
  cron: LAMBDESQUE_CRON,
  registry: createRegistry(knownClasses(LAMBDESQUE_QUEUES)),
  connect: (readSecret) => connect(settings.redis, readSecret),
});
