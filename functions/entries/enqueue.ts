import { connect } from 'lambdesque-backend';
import map from 'lambdesque-map';
import { createRegistry, environment } from '../../shared/internal.ts';
import { enqueueSettings, settingsVariable } from '../contract/settings.ts';
import { mapOf } from '../enqueue/rule.ts';
import { enqueueHandler } from '../enqueue.ts';
import { knownClasses } from '../runtime/known-classes.ts';
import { settingsText } from '../runtime/settings-text.ts';

const { redis, namespace, rule, ring } = enqueueSettings(settingsText(import.meta.url, environment[settingsVariable]));

export const handler = enqueueHandler({
  namespace,
  // The worker checks their arguments.
  registry: createRegistry(knownClasses(LAMBDESQUE_QUEUES)),
  map: map ?? mapOf(rule),
  ring,
  connect: (readSecret) => connect(redis, readSecret),
});
