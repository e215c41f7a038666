import { expect, test } from 'vitest';
import { logsLink } from '../../../../functions/dashboard/logs-link.ts';

const since = new Date('2026-11-26T10:00:00Z');
const until = new Date('2026-11-26T12:00:00Z');

/** What the console makes of it: `$` and then `*` stand for `%`. */
function read(link: string): string {
  const fragment = link.slice(link.indexOf('#') + 1).replaceAll('$', '%');
  return decodeURIComponent(decodeURIComponent(fragment).replaceAll('*', '%'));
}

test('names the log groups, the id, and the time from enqueuing on', () => {
  const link = logsLink({ region: 'eu-central-1', groups: ['/aws/lambda/a', '/aws/lambda/b'] }, 'the-id', since, until);
  expect(link).toMatch(
    /^https:\/\/eu-central-1\.console\.aws\.amazon\.com\/cloudwatch\/home\?region=eu-central-1#logsV2:logs-insights/,
  );
  const text = read(link);
  expect(text).toContain("source~(~'/aws/lambda/a~'/aws/lambda/b)");
  expect(text).toContain('filter id = "the-id"');
  expect(text).toContain("start~'2026-11-26T10:00:00.000Z");
  expect(text).toContain("end~'2026-11-26T13:00:00.000Z");
});

test('an id cannot leave its place', () => {
  const link = logsLink({ region: 'us-east-1', groups: ['g'] }, `x"'~()*$|\n`, since, until);
  expect(new URL(link).host).toBe('us-east-1.console.aws.amazon.com');
  const text = read(link);
  expect(text).toContain(String.raw`filter id = "x\"'~()*$|\n"`);
  expect(link.slice(link.indexOf('#')).includes("'~()")).toBe(false);
});

test('in China the console is elsewhere', () => {
  expect(logsLink({ region: 'cn-north-1', groups: ['g'] }, 'i', since, until)).toMatch(
    /^https:\/\/cn-north-1\.console\.amazonaws\.cn\//,
  );
});
