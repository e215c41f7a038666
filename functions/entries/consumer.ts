import { connect } from 'lambdesque-backend';
import * as jobsModule from 'lambdesque-jobs';
import { tracer } from 'lambdesque-telemetry';
import type { JobCallbacks, JobDefaults, Middleware } from '../../shared/index.ts';
import { environment } from '../../shared/internal.ts';
import { consumerHandler } from '../consumer.ts';
import { consumerSettings, settingsVariable } from '../contract/settings.ts';
import { settingsText } from '../runtime/settings-text.ts';

const settings = consumerSettings(settingsText(import.meta.url, environment[settingsVariable]));

// Not by their names, of which bundlers warn where a module does not export them.
const exported = (name: string): unknown => Reflect.get(jobsModule, name);

export const handler = consumerHandler({
  settings,
  jobs: jobsModule.default,
  defaults: exported('defaults') as JobDefaults | undefined,
  middleware: exported('middleware') as readonly Middleware[] | undefined,
  callbacks: exported('callbacks') as JobCallbacks | undefined,
  tracer,
  connect: (readSecret) => connect(settings.redis, readSecret),
});
