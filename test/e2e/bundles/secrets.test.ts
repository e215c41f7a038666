import { expect, test } from 'vitest';
import type { RedisSettings } from '../../../functions/contract/settings.ts';
import type { TestLambda } from '../../helpers/lambda-runner.ts';
import { job, PASSWORD, SECRET_ID, withBundles } from './suite.ts';

const WRONG = 'a-stale-secret';

withBundles((bundles) => {
  const { consumer, produce } = bundles;
  const secretSetting = (ref: object): RedisSettings => {
    const settings = bundles.redisSettings as unknown as Record<string, unknown>;
    const key = settings['kind'] === 'tcp' ? 'auth' : 'token';
    return { ...settings, [key]: ref } as unknown as RedisSettings;
  };
  const expectHidden = (lambda: TestLambda, ...secrets: string[]) => {
    for (const secret of secrets) {
      expect(lambda.output).not.toContain(secret);
      expect(lambda.output).not.toContain(encodeURIComponent(secret));
      expect(lambda.output).not.toContain(JSON.stringify(secret).slice(1, -1));
    }
  };

  test('wrong ones are read anew once, and are an error; rotated ones are found by the same environment', async () => {
    await produce('q', job('Quick'));
    bundles.aws.secrets.set(SECRET_ID, WRONG);
    const lambda = await consumer();

    const { error } = await lambda.invoke();
    expect(error?.name).toBe('RedisAuthError');
    expect(error?.message).toContain('refuses the credentials');
    expect(bundles.aws.reads).toEqual([SECRET_ID, SECRET_ID]);
    expect(await bundles.db.llen('resque:queue:q')).toBe(1);

    bundles.aws.secrets.set(SECRET_ID, bundles.secret);
    expect((await lambda.invoke()).answer).toMatchObject({ succeeded: 1 });
    expect(bundles.aws.reads).toHaveLength(3);
    expect((await lambda.invoke()).answer).toMatchObject({ stopped: 'empty' });
    expect(bundles.aws.reads).toHaveLength(3);
    expectHidden(lambda, WRONG, bundles.secret, PASSWORD);
  });

  test('come from a field of a JSON secret, or from a SecureString parameter', async () => {
    await produce('q', job('Quick'), job('Quick'));
    bundles.aws.secrets.set('many', JSON.stringify({ redis: bundles.secret, other: 1 }));
    const redis = secretSetting({ service: 'secretsmanager', id: 'many', field: 'redis' });
    expect((await (await consumer({ redis })).invoke()).answer).toMatchObject({ succeeded: 2 });

    await produce('q', job('Quick'));
    bundles.aws.parameters.set('/redis/secret', `${bundles.secret}\n`);
    const other = secretSetting({ service: 'ssm', name: '/redis/secret' });
    expect((await (await consumer({ redis: other })).invoke()).answer).toMatchObject({ succeeded: 1 });
  });

  test('may be a whole URL', async () => {
    await produce('q', job('Quick'));
    bundles.aws.secrets.set('url', bundles.backend === 'tcp' ? bundles.redis.url : bundles.upstash.url);
    const url = { service: 'secretsmanager', id: 'url' } as const;
    const redis: RedisSettings =
      bundles.redisSettings.kind === 'tcp' ? { kind: 'tcp', url } : { ...bundles.redisSettings, url };
    const lambda = await consumer({ redis });
    expect((await lambda.invoke()).answer).toMatchObject({ succeeded: 1 });
    expectHidden(lambda, PASSWORD);
  });

  test.each([
    ['that is missing', undefined, {}, /refused GetSecretValue for "lost" .*secretsmanager:GetSecretValue/],
    ['without the field', '{"user":"hidden-value"}', { field: 'password' }, /no text in its field "password"/],
    ['that is no JSON', 'hidden-value', { field: 'password' }, /not JSON/],
    ['that holds something else', '{"user":"hidden-value"} {', {}, /must hold|refuses the credentials/],
    ['that is empty', '  ', {}, /must hold/],
  ])('one %s is an error that shows nothing of it', async (_, value, more, message) => {
    if (value !== undefined) bundles.aws.secrets.set('lost', value);
    const lambda = await consumer({ redis: secretSetting({ service: 'secretsmanager', id: 'lost', ...more }) });
    const { error } = await lambda.invoke();
    expect(error?.message).toMatch(message);
    expectHidden(lambda, 'hidden-value');
  });

  test('are asked for again where AWS stumbles', async () => {
    await produce('q', job('Quick'));
    bundles.aws.fail(503);
    bundles.aws.fail(429);
    expect((await (await consumer()).invoke()).answer).toMatchObject({ succeeded: 1 });
  });

  test('settings that are none stop the function at its start, and name the field', async () => {
    await expect(consumer({}, { settings: 'not JSON, but hidden-value' })).rejects.toThrow(
      /ConfigError: The environment variable LAMBDESQUE_SETTINGS is not JSON(?![\s\S]*hidden-value)/,
    );
    await expect(consumer({ concurrency: 0 })).rejects.toThrow(
      'LAMBDESQUE_SETTINGS.concurrency must be a whole number',
    );
  });
});
