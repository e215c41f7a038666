import { connect } from 'lambdesque-backend';
import map from 'lambdesque-map';
import { defineJob } from '../../shared/index.ts';
import { createRegistry, environment } from '../../shared/internal.ts';
import { enqueueSettings, settingsVariable } from '../contract/settings.ts';
import { mapOf } from '../enqueue/rule.ts';
import { enqueueHandler } from '../enqueue.ts';
import { settingsText } from '../runtime/settings-text.ts';

const { redis, namespace, rule, ring } = enqueueSettings(settingsText(import.meta.url, environment[settingsVariable]));

export const handler = enqueueHandler({
  namespace,
  // By name and queue alone: here nothing of them runs, and the worker checks their arguments.
  registry: createRegistry(
    Object.entries(LAMBDESQUE_QUEUES).map(([name, queue]) =>
      defineJob({ class: name, ...(queue === null ? {} : { queue }), perform() {} }),
    ),
  ),
  map: map ?? mapOf(rule),
  ring,
  connect: (readSecret) => connect(redis, readSecret),
});
