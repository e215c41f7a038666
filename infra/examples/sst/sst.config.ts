/// <reference path="./.sst/platform/config.d.ts" />

export default $config({
  app: () => ({ name: 'lambdesque', home: 'aws' }),
  async run() {
    const secret = aws.secretsmanager.getSecretOutput({ name: 'lambdesque/upstash' });
    const common = {
      runtime: 'nodejs24.x',
      // Another tick follows: nothing of a failed start is worth repeating.
      retries: 0,
      architecture: 'arm64',
      // The jobs' own names stand in the failed list.
      nodejs: { minify: true, esbuild: { keepNames: true, external: ['@aws-sdk/*'] } },
      permissions: [{ actions: ['secretsmanager:GetSecretValue'], resources: [secret.arn] }],
    } as const;
    const consumer = new sst.aws.Function('Consumer', {
      ...common,
      name: 'lambdesque-default',
      handler: '../handlers/consumer.handler',
      memory: '512 MB',
      timeout: '5 minutes',
    });
    new sst.aws.CronV2('Tick', {
      schedule: 'rate(1 minute)',
      retries: 0,
      function: {
        ...common,
        handler: '../handlers/scheduler.handler',
        memory: '256 MB',
        timeout: '2 minutes',
        permissions: [
          ...common.permissions,
          { actions: ['lambda:InvokeFunction'], resources: [consumer.arn] },
          // How many functions the account runs at once, so that its own ticks do not wait behind workers.
          { actions: ['lambda:GetAccountSettings'], resources: ['*'] },
        ],
      },
    });
  },
});
