import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../../shared/index.ts';
import { eventually } from '../../helpers/eventually.ts';
import { serverTime } from '../../helpers/server-time.ts';
import { CREDENTIALS } from './aws-calls.ts';
import { type Bed, makeBed } from './bed.ts';
import { type Outputs, otherApp } from './project.ts';
import { missing } from './python-tool.ts';

/**
 * infra/app.ts as it is, deployed into a local AWS: bootstrap, deploy, jobs on every way, an update, a rollback, three
 * systems on one Redis, and nothing left when they are destroyed.
 */

const why = await missing();
if (why) console.log(`e2e:deploy is skipped: ${why}.`);

describe.skipIf(why)('a deployment', () => {
  let bed: Bed;
  let outputs: Outputs | undefined;
  let failed = false;

  beforeAll(async () => {
    bed = await makeBed();
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(async () => {
    if (failed) {
      const groups = Object.values(outputs ?? {}).flatMap((stack) =>
        Object.entries(stack).flatMap(([name, value]) => (/Logs$/.test(name) ? [value] : [])),
      );
      console.log(`${await bed.lastWords(groups)}\n\nAll logs are in ${bed.folder}`);
    }
    await bed?.stop({ keep: failed });
  });

  const output = (stack: string, name: string): string => {
    const value = outputs?.[stack]?.[name];
    if (value === undefined) throw new Error(`${stack} has no output ${name}`);
    return value;
  };
  const enqueue = (queue: string, ...payloads: string[]) =>
    bed.redis.client.rpush(`resque:queue:${queue}`, ...payloads);
  const hello = (...args: string[]) => JSON.stringify({ class: 'Hello', args });
  const report = (text: string) => JSON.stringify({ class: 'Report', args: [text] });
  /** Lines of JSON of a log group with this message. */
  const linesOf = async (group: string, message: string) =>
    (await bed.aws.logLines(group)).filter(({ text }) => text.includes(`"message":${JSON.stringify(message)}`));
  const logged = (group: string, message: string) =>
    eventually(async () => expect(await linesOf(group, message), message).toHaveLength(1));

  test('bootstrap, and the first deployment', async () => {
    expect(await bed.project.cdk(['bootstrap'])).toContain('bootstrapped');
    outputs = await bed.project.deploy();
    expect(output('Lambdesque', 'DoorbellUrl')).toMatch(/^https:/);
    // Else all that follows would say nothing of what roles allow.
    expect(await (await fetch(`${bed.ministack.url}/_ministack/health`)).json()).toMatchObject({ auth: 'enabled' });
    // What waits for the minute tick, while the tests go on: one that runs, one that nobody knows, one for later.
    await enqueue('myqueue', hello('minute', 'tick'), '{"class":"Nobody","args":[]}');
    await using client = createClient({ url: bed.redis.url });
    await client.enqueue('Hello', ['delayed', 'job'], { queue: 'myqueue', in: '20s' });
    await client.cron.upsert('quarterly', {
      cron: '*/15 * * * * *',
      class: 'Hello',
      queue: 'myqueue',
      args: ['cron', 'slot'],
    });
  });

  test('two more systems on the same Redis', async () => {
    outputs = { ...outputs, ...(await bed.project.deploy({ app: 'others' })) };
    await enqueue('reports', report('second system'));
    await bed.redis.client.sadd('resque:queues', 'reports');
  });

  test('the minute tick starts the consumer: jobs run, and what nobody knows has failed', async () => {
    const logs = output('Lambdesque', 'DefaultLogs');
    await logged(logs, 'minute, tick!');
    await logged(logs, 'delayed, job!');
    expect(await bed.redis.client.llen('resque:failed')).toBe(1);
  });

  test('cron on its second, each slot once, though two systems look', async () => {
    await using client = createClient({ url: bed.redis.url });
    const slots = async () => {
      const entry = (await client.cron.list()).find((one) => one.name === 'quarterly');
      const status = entry && 'status' in entry ? entry.status : undefined;
      // The first one had passed before anybody looked.
      return status ? [status, ...(status.before ?? [])].reverse().slice(1) : [];
    };
    const seen = await eventually(async () => {
      const found = await slots();
      expect(found.length).toBeGreaterThan(1);
      return found;
    });
    // Each before the next one is due: how long AWS takes to start a tick is not ours.
    for (const { slot = 0, at } of seen) expect(at - slot, `enqueued at ${at} for ${slot}`).toBeLessThan(15_000);
    await client.cron.pause('quarterly');
    const all = (await slots()).length + 1;
    await eventually(async () => {
      expect(await linesOf(output('Lambdesque', 'DefaultLogs'), 'cron, slot!')).toHaveLength(all);
    });
  });

  test('the second system runs its own jobs, and nothing ran twice', async () => {
    await logged(output('Second', 'Logs'), 'second system');
    expect(await linesOf(output('Lambdesque', 'DefaultLogs'), 'minute, tick!')).toHaveLength(1);
    expect(await linesOf(output('Second', 'Logs'), 'minute, tick!')).toHaveLength(0);
  });

  test('the doorbell: who signs and may is let in, and the job runs at once', async () => {
    const url = output('Lambdesque', 'DoorbellUrl');
    await enqueue('myqueue', hello('door', 'bell'));
    expect(await bed.aws.callUrl(url, undefined)).toBe(403);
    expect(await bed.aws.callUrl(url, await bed.aws.stranger())).toBe(403);
    expect(await bed.aws.callUrl(url, CREDENTIALS)).toBe(202);
    await logged(output('Lambdesque', 'DefaultLogs'), 'door, bell!');
  });

  test('on demand: a job for later runs on its second, by a one-time schedule', async () => {
    await using client = createClient({ url: bed.redis.url, namespace: 'rare:' });
    const due = (await serverTime(bed.redis.client)) + 10_000;
    await client.enqueue('Report', ['on demand'], { queue: 'reports', at: new Date(due) });
    await bed.aws.invoke(output('OnDemand', 'SchedulerFunction'), {});
    await logged(output('OnDemand', 'Logs'), 'on demand');
    const [line] = await linesOf(output('OnDemand', 'Logs'), 'on demand');
    // Delayed jobs have whole seconds.
    expect(line?.timestamp).toBeGreaterThanOrEqual(Math.floor(due / 1_000) * 1_000);
  });

  test('an update: from then on the new code runs', async () => {
    await bed.project.edit('functions/jobs/hello.ts', (text) => text.replace('}, $', '} again, $'));
    await bed.project.deploy();
    await enqueue('myqueue', hello('hi', 'update'));
    await bed.aws.callUrl(output('Lambdesque', 'DoorbellUrl'), CREDENTIALS);
    await logged(output('Lambdesque', 'DefaultLogs'), 'hi again, update!');
  });

  test('a deployment that fails rolls itself back, and the code before it goes on', async () => {
    await bed.project.edit('functions/jobs/hello.ts', (text) => text.replace('} again, $', '} never, $'));
    await expect(bed.project.deploy({ app: 'broken' })).rejects.toThrow('Broken');
    expect(await bed.aws.stackStatus('Lambdesque')).toBe('UPDATE_ROLLBACK_COMPLETE');
    await enqueue('myqueue', hello('hi', 'rollback'));
    await bed.aws.callUrl(output('Lambdesque', 'DoorbellUrl'), CREDENTIALS);
    await logged(output('Lambdesque', 'DefaultLogs'), 'hi again, rollback!');
  });

  test('destroyed, they leave nothing but the jobs in Redis', async () => {
    const payload = hello('still', 'here');
    await enqueue('elsewhere', payload);
    await bed.project.cdk(['destroy', '--all', '--force', ...otherApp('others')]);
    await bed.project.cdk(['destroy', '--all', '--force', '-c', 'alarmEmail=none']);
    expect(await bed.aws.leftovers()).toEqual([]);
    expect(await bed.redis.client.lrange('resque:queue:elsewhere', 0, -1)).toEqual([payload]);
  });
});
