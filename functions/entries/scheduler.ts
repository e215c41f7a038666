import { connect } from 'lambdesque-backend';
import { tracer } from 'lambdesque-telemetry';
import { defineJob } from '../../shared/index.ts';
import { createRegistry, environment } from '../../shared/internal.ts';
import { schedulerSettings, settingsVariable } from '../contract/settings.ts';
import { settingsText } from '../runtime/settings-text.ts';
import { schedulerHandler } from '../scheduler.ts';

const settings = schedulerSettings(settingsText(import.meta.url, environment[settingsVariable]));

export const handler = schedulerHandler({
  settings,
  tracer,
  cron: LAMBDESQUE_CRON,
  registry: createRegistry(
    Object.entries(LAMBDESQUE_QUEUES).map(([name, queue]) =>
      defineJob({ class: name, ...(queue === null ? {} : { queue }), perform() {} }),
    ),
  ),
  connect: (readSecret) => connect(settings.redis, readSecret),
});
