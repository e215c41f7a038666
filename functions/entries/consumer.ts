import { connect } from 'lambdesque-backend';
import jobs from 'lambdesque-jobs';
import { tracer } from 'lambdesque-telemetry';
import { environment } from '../../shared/internal.ts';
import { consumerHandler } from '../consumer.ts';
import { consumerSettings, settingsVariable } from '../contract/settings.ts';
import { settingsText } from '../runtime/settings-text.ts';

const settings = consumerSettings(settingsText(import.meta.url, environment[settingsVariable]));

export const handler = consumerHandler({
  settings,
  jobs,
  tracer,
  connect: (readSecret) => connect(settings.redis, readSecret),
});
