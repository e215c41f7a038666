import { connect } from 'lambdesque-backend';
import * as jobsModule from 'lambdesque-jobs';
import { tracer } from 'lambdesque-telemetry';
import type { JobDefaults } from '../../shared/index.ts';
import { environment } from '../../shared/internal.ts';
import { consumerHandler } from '../consumer.ts';
import { consumerSettings, settingsVariable } from '../contract/settings.ts';
import { settingsText } from '../runtime/settings-text.ts';

const settings = consumerSettings(settingsText(import.meta.url, environment[settingsVariable]));

// Not by its name, of which bundlers warn where a module does not export it.
const defaults: unknown = Reflect.get(jobsModule, 'defaults');

export const handler = consumerHandler({
  settings,
  jobs: jobsModule.default,
  defaults: defaults as JobDefaults | undefined,
  tracer,
  connect: (readSecret) => connect(settings.redis, readSecret),
});
