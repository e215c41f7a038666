import { Template } from 'aws-cdk-lib/assertions';
import { type EventPattern, Rule } from 'aws-cdk-lib/aws-events';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { expect, test } from 'vitest';
import { enqueueSettings } from '../../functions/contract/settings.ts';
import { Lambdesque } from '../../infra/index.ts';
import { functionOf, settingsOf, statementsOf, testStack, upstash, warningsOf } from './stack.ts';

function system(wake: 'minute' | 'on-demand' = 'minute') {
  const stack = testStack();
  const jobs = new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs: 'test/infra/jobs/good.ts',
    consumers: {
      mail: { queues: 'mail*' },
      ledger: { queues: 'ledger', concurrency: 1, maxWorkers: 1, serial: true },
    },
    wake,
  });
  return { stack, jobs };
}

test('a queue: failures come back one by one, and the function may read the queue and Redis’s secrets alone', () => {
  const { stack, jobs } = system();
  const rule = { class: 'Mail', args: ['$.to'] };
  jobs.enqueueFrom(new Queue(stack, 'Source'), { rule, batchSize: 5 });
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    BatchSize: 5,
  });
  expect(enqueueSettings(JSON.stringify(settingsOf(template, /Enqueue/)))).toMatchObject({ rule, ring: [] });
  const allowed = statementsOf(template, /Enqueue/).flatMap(({ actions }) => actions);
  expect([...new Set(allowed)].sort()).toEqual([
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    'secretsmanager:DescribeSecret',
    'secretsmanager:GetSecretValue',
    'sqs:ChangeMessageVisibility',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'sqs:GetQueueUrl',
    'sqs:ReceiveMessage',
    'sqs:SendMessage',
  ]);
});

test('a topic, a bucket and a rule start it', () => {
  const { stack, jobs } = system();
  const enqueue = jobs.enqueueFrom(new Topic(stack, 'Topic'), { rule: { class: 'Mail' } });
  enqueue.addSource(new Bucket(stack, 'Bucket'));
  enqueue.addSource(new Rule(stack, 'Rule', { eventPattern: { source: ['shop'] } satisfies EventPattern }));
  const template = Template.fromStack(stack);
  const principals = Object.values(template.findResources('AWS::Lambda::Permission')).map(
    (one) => one['Properties'].Principal,
  );
  expect(principals).toEqual(expect.arrayContaining(['sns.amazonaws.com', 's3.amazonaws.com', 'events.amazonaws.com']));
});

test('without a minute tick it starts the consumers', () => {
  const { stack, jobs } = system('on-demand');
  jobs.enqueueFrom(new Queue(stack, 'Source'));
  jobs.enqueueFrom(new Queue(stack, 'Other'), { ring: false });
  const template = Template.fromStack(stack);
  expect(settingsOf(template, /Enqueue(?!1)/)).toMatchObject({
    ring: [
      { queues: 'mail*', functionName: functionOf(template, /mailFunction/)['FunctionName'] },
      { queues: 'ledger', functionName: functionOf(template, /ledgerFunction/)['FunctionName'] },
    ],
  });
  const invoked = statementsOf(template, /Enqueue/).filter(({ actions }) => actions.includes('lambda:InvokeFunction'));
  // By its name alone, as it calls them.
  const called = ['mail', 'ledger'].map((name) => expect.stringMatching(new RegExp(`:function:Test-Jobs-${name}$`)));
  expect(invoked).toEqual([{ actions: ['lambda:InvokeFunction'], resources: [...called].reverse() }]);
  // What starts the scheduler would swallow an event that failed.
  const kept = Object.entries(template.findResources('AWS::Lambda::EventInvokeConfig')).filter(([id]) =>
    /Enqueue/.test(id),
  );
  expect(kept).toHaveLength(2);
  expect(JSON.stringify(kept)).toMatch(/Failures/);
  expect(JSON.stringify(kept)).not.toMatch(/Fallback/);
});

test('what is known only when it is deployed is left to the deployment, however deep it stands', () => {
  const { stack, jobs } = system();
  const { bucketName } = new Bucket(stack, 'Target');
  const rule = { class: 'Mail', queue: bucketName, args: ['$', { to: [bucketName] }] };
  jobs.enqueueFrom(new Queue(stack, 'Source'), { rule });
  const target = expect.stringMatching(/^<Target/);
  expect(settingsOf(Template.fromStack(stack), /Enqueue/)).toMatchObject({
    rule: { class: 'Mail', queue: target, args: ['$', { to: [target] }] },
  });
  expect(warningsOf(stack)).toEqual([]);
});

test('what cannot become a job is refused at synth', () => {
  const { stack, jobs } = system();
  const both = { rule: { class: 'Mail' }, map: 'test/infra/jobs/good.ts' };
  expect(() => jobs.enqueueFrom(new Queue(stack, 'Source'), both)).toThrow(/rule and map both say/);
  expect(() => jobs.enqueueFrom(new Queue(stack, 'Nowhere'), { rule: { class: 'Other' } })).toThrow(
    'the rule has no queue, and the class "Other" has none either',
  );
  expect(() => jobs.enqueueFrom(new Queue(stack, 'NoMap'), { map: 'jobs/nope.ts' })).toThrow(
    'map: the module jobs/nope.ts does not exist',
  );
  expect(() => jobs.enqueueFrom(new Queue(stack, 'Code'), { map: ((event: unknown) => event) as never })).toThrow(
    "map must be the path of a module, such as 'functions/map.ts'; got a function.",
  );
  expect(() => jobs.enqueueFrom(new Queue(stack, 'Arg'), { rule: { class: 'Mail', arg: ['$'] } as never })).toThrow(
    'enqueueFrom: rule: there is no option "arg" (did you mean "args"?)',
  );
  expect(() => jobs.enqueueFrom(new Queue(stack, 'Args'), { rule: { class: 'Mail', args: '$' as never } })).toThrow(
    'rule.args must be a list of arguments; got "$".',
  );
  jobs.enqueueFrom(new Queue(stack, 'Others'), { rule: { class: 'Mail', queue: 'ruby' } });
  jobs.enqueueFrom(new Queue(stack, 'Prefix'), { rule: { class: 'Billing::Charge' } });
  expect(warningsOf(stack)).toEqual([expect.stringContaining('"ruby", which no consumer of this system drains')]);
});
