import { Fn, type Stack, Token } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { type IVpc, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { describe, expect, test } from 'vitest';
import { Consumer, RedisConnection } from '../../infra/index.ts';
import { functionOf, settingsOf, statementsOf, testStack } from './stack.ts';

/** A consumer on the connection. @returns its settings for Redis, and the template */
function connect(make: (stack: Stack) => RedisConnection) {
  const stack = testStack();
  new Consumer(stack, 'mail', { redis: make(stack), jobs: 'test/infra/jobs/good.ts', queues: '*' });
  const template = Template.fromStack(stack);
  const { redis } = settingsOf(template, /^mail/) as { redis: unknown };
  const allowed = statementsOf(template, /^mailRole/);
  return { redis, template, allowed, actions: allowed.flatMap((one) => one.actions) };
}

describe('Upstash', () => {
  test('URL and token can be two fields of one secret', () => {
    const { redis, allowed } = connect((stack) => {
      const secret = Secret.fromSecretNameV2(stack, 'Upstash', 'lambdesque/upstash');
      return RedisConnection.upstash({ url: { secret, field: 'url' }, token: { secret, field: 'token' } });
    });
    const ref = { service: 'secretsmanager', id: 'lambdesque/upstash' };
    expect(redis).toEqual({ kind: 'upstash', url: { ...ref, field: 'url' }, token: { ...ref, field: 'token' } });
    expect(allowed).toContainEqual({
      actions: ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'],
      resources: [expect.stringMatching(/:secret:lambdesque\/upstash-\?{6}$/)],
    });
  });

  test('the token can be a SecureString, with a key of its own', () => {
    const { redis, actions } = connect((stack) => {
      const token = StringParameter.fromSecureStringParameterAttributes(stack, 'Token', {
        parameterName: '/lambdesque/token',
        encryptionKey: new Key(stack, 'Key'),
      });
      return RedisConnection.upstash({ url: 'https://example.upstash.io', token });
    });
    expect(redis).toMatchObject({ token: { service: 'ssm', name: '/lambdesque/token' } });
    expect(actions).toEqual(expect.arrayContaining(['ssm:GetParameter', 'kms:Decrypt']));
  });

  test('a secret of this stack, and one known by its ARN, go by their ARNs', () => {
    const own = connect((stack) =>
      RedisConnection.upstash({ url: 'https://example.upstash.io', token: new Secret(stack, 'Token') }),
    );
    expect(own.redis).toMatchObject({ token: { id: expect.stringMatching(/^<Token\w+>$/) } });
    const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:theirs-AbCdEf';
    const theirs = connect((stack) =>
      RedisConnection.upstash({
        url: 'https://example.upstash.io',
        token: Secret.fromSecretCompleteArn(stack, 'Token', arn),
      }),
    );
    expect(theirs.redis).toMatchObject({ token: { id: arn } });
    const partial = arn.slice(0, -7);
    const half = connect((stack) =>
      RedisConnection.upstash({
        url: 'https://example.upstash.io',
        token: Secret.fromSecretPartialArn(stack, 'Token', partial),
      }),
    );
    expect(half.redis).toMatchObject({ token: { id: partial } });
  });

  test('a secret under a key of the user’s own: its functions may decrypt with it, through Secrets Manager alone', () => {
    const arn = 'arn:aws:kms:eu-west-1:111122223333:key/1234';
    const secretCompleteArn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:theirs-AbCdEf';
    const made = {
      named: connect((stack) => {
        const secret = Secret.fromSecretNameV2(stack, 'Upstash', 'lambdesque/upstash');
        const encryptionKey = Key.fromKeyArn(stack, 'Key', arn);
        return RedisConnection.upstash({
          url: 'https://example.upstash.io',
          token: { secret, field: 't', encryptionKey },
        });
      }),
      attributed: connect((stack) => {
        const encryptionKey = Key.fromKeyArn(stack, 'Key', arn);
        const token = Secret.fromSecretAttributes(stack, 'Upstash', { secretCompleteArn, encryptionKey });
        return RedisConnection.upstash({ url: 'https://example.upstash.io', token });
      }),
      whole: connect((stack) => {
        const secret = Secret.fromSecretNameV2(stack, 'Upstash', 'lambdesque/upstash');
        return RedisConnection.tcp({ url: { secret, encryptionKey: Key.fromKeyArn(stack, 'Key', arn) } });
      }),
    };
    for (const { template, allowed } of Object.values(made)) {
      expect(allowed).toContainEqual({ actions: ['kms:Decrypt'], resources: [arn] });
      template.hasResourceProperties('AWS::IAM::Policy', {
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Action: 'kms:Decrypt',
              Condition: { StringEquals: { 'kms:ViaService': Match.anyValue() } },
            }),
          ]),
        },
      });
    }
    expect(made.named.redis).toMatchObject({ token: { id: 'lambdesque/upstash', field: 't' } });
    expect(made.whole.redis).toEqual({ kind: 'tcp', url: { service: 'secretsmanager', id: 'lambdesque/upstash' } });
  });

  test('a token in the code is refused, unseen', () => {
    const token = 'AXvvASQgOWE5' as unknown as Secret;
    const make = () => RedisConnection.upstash({ url: 'https://example.upstash.io', token });
    expect(make).toThrow('token must not stand in the template. Store it with `aws secretsmanager create-secret`');
    expect(make).not.toThrow(/AXvv/);
  });

  test.each([
    'example.upstash.io',
    'redis://example.upstash.io:6379',
    'https://default:pw@example.upstash.io',
    'https://example.upstash.io?_token=pw',
    'https://example.upstash.io#pw',
  ])('the URL %s is refused', (url) => {
    const make = () => RedisConnection.upstash({ url, token: Secret.fromSecretNameV2(testStack(), 'T', 't') });
    expect(make).toThrow('url must look like https://<name>.upstash.io; got');
    expect(make).not.toThrow(/pw/);
  });
});

describe('TCP', () => {
  test('with a public address: a URL and a password', () => {
    const { redis, template } = connect((stack) =>
      RedisConnection.tcp({
        url: 'rediss://cache.example.com:6380/2',
        secret: Secret.fromSecretNameV2(stack, 'Auth', 'auth'),
      }),
    );
    expect(redis).toEqual({
      kind: 'tcp',
      url: 'rediss://cache.example.com:6380/2',
      auth: { service: 'secretsmanager', id: 'auth' },
    });
    expect(functionOf(template, /^mail/)).not.toHaveProperty('VpcConfig');
  });

  test('the whole URL can be a secret', () => {
    const { redis } = connect((stack) =>
      RedisConnection.tcp({ url: Secret.fromSecretNameV2(stack, 'Url', 'redis-url') }),
    );
    expect(redis).toEqual({ kind: 'tcp', url: { service: 'secretsmanager', id: 'redis-url' } });
  });

  test('in a VPC: the functions run there, and only they are let in, on the port of the URL', () => {
    const { template, allowed } = connect((stack) => {
      const vpc = new Vpc(stack, 'Vpc', { natGateways: 1 }) as IVpc;
      const securityGroup = new SecurityGroup(stack, 'Redis', { vpc });
      return RedisConnection.tcp({
        url: 'redis://10.0.0.5:7000',
        vpc,
        vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
        securityGroup,
      });
    });
    expect(functionOf(template, /^mail/)).toMatchObject({ VpcConfig: { SubnetIds: expect.any(Array) } });
    template.resourcePropertiesCountIs(
      'AWS::EC2::SecurityGroupIngress',
      {
        FromPort: 7000,
        ToPort: 7000,
        GroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Redis'), 'GroupId'] },
        SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^mailFunction'), 'GroupId'] },
      },
      1,
    );
    expect(allowed.filter((one) => one.resources.includes('*')).flatMap((one) => one.actions)).toEqual([
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
    ]);
  });

  test('in a VPC: the doorbell’s function is outside, where it needs no way to Lambda', () => {
    const stack = testStack();
    const redis = RedisConnection.tcp({ url: 'redis://10.0.0.5', vpc: new Vpc(stack, 'Vpc') });
    const jobs = 'test/infra/jobs/good.ts';
    new Consumer(stack, 'mail', { redis, jobs, queues: '*' }).addDoorbellUrl();
    const template = Template.fromStack(stack);
    expect(functionOf(template, /^mailFunction/)).toHaveProperty('VpcConfig');
    expect(functionOf(template, /DoorbellFunction/)).not.toHaveProperty('VpcConfig');
  });

  test.each([
    [{ url: 'redis://10.0.0.5' }, 6379],
    [{ url: 'redis://10.0.0.5:7000', port: 7001 }, 7001],
  ])('the port of %j', (props, port) => {
    const { template } = connect((stack) => {
      const vpc = new Vpc(stack, 'Vpc') as IVpc;
      return RedisConnection.tcp({ ...props, vpc, securityGroup: new SecurityGroup(stack, 'Redis', { vpc }) });
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: port });
  });

  test.each([
    'redis://:hunter2@cache.example.com',
    'rediss://cache.example.com?password=hunter2',
    'redis://cache.example.com:6379/0?db=0&Pass_Word=hunter2',
    'redis+sentinel://a,b/mymaster?sentinelUsername=hunter2',
    `${Token.asString({ Ref: 'Url' })}?password=hunter2`,
  ])('who it is must not stand in the URL, %s: refused, unseen', (url) => {
    const make = () => RedisConnection.tcp({ url });
    expect(make).toThrow('url holds a user or a password, which would stand in the template.');
    expect(make).not.toThrow(/hunter2/);
  });

  test('what is no URL is refused', () => {
    expect(() => RedisConnection.tcp({ url: 'cache.example.com:6379' })).toThrow(
      'RedisConnection.tcp: url: The Redis URL must look like redis://',
    );
    expect(() => RedisConnection.tcp({ url: 'redis://cache.example.com/x' })).toThrow('a whole number');
    expect(() => RedisConnection.tcp({ url: 'redis+unix:///run/x.sock' })).toThrow('socket');
  });

  test('a Redis Cluster is known by its URL, or where that is a secret by being told; its default namespace is a hash tag', () => {
    const byUrl = connect(() => RedisConnection.tcp({ url: 'rediss://a.example,b.example:7000?cluster' }));
    expect(byUrl.redis).toEqual({ kind: 'tcp', url: 'rediss://a.example,b.example:7000?cluster' });
    expect(settingsOf(byUrl.template, /^mail/)).toMatchObject({ namespace: '{resque}:' });

    const told = connect((stack) =>
      RedisConnection.tcp({ url: Secret.fromSecretNameV2(stack, 'Url', 'redis-url'), cluster: true }),
    );
    expect(told.redis).toEqual({ kind: 'tcp', url: { service: 'secretsmanager', id: 'redis-url' }, cluster: true });
    expect(settingsOf(told.template, /^mail/)).toMatchObject({ namespace: '{resque}:' });
    const both = connect(() => RedisConnection.tcp({ url: 'redis://a.example,b.example', cluster: true }));
    expect(both.redis).toEqual({ kind: 'tcp', url: 'redis://a.example,b.example', cluster: true });
  });

  test('a namespace without a hash tag is refused in a cluster; with or without its colon it is the same elsewhere', () => {
    const mail = (namespace: string, url: string) => {
      const stack = testStack();
      const redis = RedisConnection.tcp({ url });
      new Consumer(stack, 'mail', { redis, jobs: 'test/infra/jobs/good.ts', queues: '*', namespace });
      return settingsOf(Template.fromStack(stack), /^mail/);
    };
    expect(() => mail('app', 'redis://a?cluster')).toThrow('such as {app}:');
    expect(mail('{app}', 'redis://a?cluster')).toMatchObject({ namespace: '{app}:' });
    expect(mail('app', 'redis://a')).toMatchObject({ namespace: 'app:' });
  });

  test('hosts and ports that are known only when it is deployed are taken', () => {
    const [host, port] = [Token.asString({ Ref: 'Host' }), Token.asString({ Ref: 'Port' })];
    expect(RedisConnection.tcp({ url: `redis://${host}:${port}?cluster` }).cluster).toBe(true);
    expect(RedisConnection.tcp({ url: Fn.join('', ['redis://', host]) }).cluster).toBe(false);
  });

  test('behind Sentinels, their ports and that of Redis are opened', () => {
    const { template } = connect((stack) => {
      const vpc = new Vpc(stack, 'Vpc') as IVpc;
      const securityGroup = new SecurityGroup(stack, 'Redis', { vpc });
      return RedisConnection.tcp({ url: 'redis+sentinel://a,b/mymaster', vpc, securityGroup });
    });
    for (const FromPort of [26379, 6379])
      template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort });
  });

  test('an option that there is not is refused, unseen', () => {
    const make = () => RedisConnection.tcp({ url: 'redis://10.0.0.5', secrets: 'hunter2' } as never);
    expect(make).toThrow('RedisConnection.tcp: there is no option "secrets" (did you mean "secret"?)');
    expect(make).not.toThrow(/hunter2/);
  });

  test('a security group without its VPC is refused', () => {
    const stack = testStack();
    const securityGroup = SecurityGroup.fromSecurityGroupId(stack, 'Redis', 'sg-123');
    expect(() => RedisConnection.tcp({ url: 'redis://10.0.0.5', securityGroup })).toThrow('securityGroup needs vpc');
  });
});
