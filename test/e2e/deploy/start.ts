/** `npm run start:aws`: infra/app.ts deployed into a local AWS, to play with. Ends, and leaves nothing, with Ctrl-C. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine } from './aws-calls.ts';
import { type Bed, makeBed } from './bed.ts';
import { missing } from './python-tool.ts';

const why = await missing();
if (why) {
  console.error(`start:aws needs Python 3.10 or later: ${why}.`);
  process.exit(1);
}

const say = (text: string) => console.log(text);

function told(
  bed: Bed,
  { DoorbellUrl = '', DefaultFunction = '', DefaultLogs = '' }: Readonly<Record<string, string>>,
): string {
  const { redis, ministack } = bed;
  const host = new URL(DoorbellUrl).host;
  const environment = Object.entries(ministack.env).map(([name, value]) => `${name}=${value}`);
  return `
infra/app.ts runs at ${ministack.url}, its Redis at ${redis.url}. Its log follows below; Ctrl-C removes all of it.

Enqueue, as any program does; it begins within a minute:
  redis-cli -p ${redis.port} RPUSH resque:queue:myqueue '{"class":"Hello","args":["hi","there"]}'
  npm run lambdesque -- enqueue Hello hi there --uri ${redis.url}
Ring the doorbell, so that it begins at once:
  curl -X POST --aws-sigv4 aws:amz:${bed.ministack.env['AWS_REGION']}:lambda --user test:test -H 'host: ${host}' ${ministack.url}
See and mend:
  npm run lambdesque -- dashboard --uri ${redis.url}
AWS's own command, where it is installed, and cdk:
  export ${environment.join(' ')}
  aws logs tail ${DefaultLogs} --follow --format short
  aws lambda invoke --function-name ${DefaultFunction} --invocation-type Event /dev/stdout
All that the functions and the local AWS printed: ${bed.folder}/ministack.log
`;
}

/** Prints what is new in the log group, until the signal. */
async function follow(bed: Bed, group: string, signal: AbortSignal): Promise<void> {
  let seen = 0;
  while (!signal.aborted) {
    const lines: readonly LogLine[] = await bed.aws.logLines(group);
    for (const { text } of lines.slice(seen)) say(text.trimEnd());
    seen = Math.max(seen, lines.length);
    await delay(1_000, undefined, { signal }).catch(() => {});
  }
}

say('A local AWS, a Redis, and Upstash’s API before it …');
const bed = await makeBed();
const stop = new AbortController();
const stopped = once(stop.signal, 'abort');
// In place of those that end the Redis at once.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal).on(signal, () => stop.abort());
try {
  say('cdk bootstrap …');
  await Promise.race([bed.project.cdk(['bootstrap']), stopped]);
  say('cdk deploy …');
  const outputs = await Promise.race([bed.project.deploy(), stopped]);
  if (!Array.isArray(outputs)) {
    const own = (outputs as Awaited<ReturnType<Bed['project']['deploy']>>)['Lambdesque'] ?? {};
    say(told(bed, own));
    await follow(bed, own['DefaultLogs'] ?? '', stop.signal);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await bed.stop();
  say('All of it is gone.');
}
process.exit();
