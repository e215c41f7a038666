import { describe, expect, test } from 'vitest';
import { functionWorkerId, functionWorkerOf, renewToken, tokenOf, workerId } from '../../../shared/wire/worker-id.ts';
import { vectors } from '../../helpers/builders.ts';

describe('a worker id', () => {
  test('is host, pid and queues; its host part no Ruby worker has', () => {
    expect(workerId('web-1.example.org', 4711, ['critical', 'default'])).toMatch(
      /^lambdesque-web-1\.example\.org-[0-9a-f]{12}:4711:critical,default$/,
    );
  });

  test.each<[string, readonly string[]]>([
    ['host', ['a']],
    ['host:with:colons', ['billing:high', '*']],
    ['', []],
    ['::', []],
    ['Zoë ☃ "quoted" \\ {}', ['']],
    ['[$LATEST]0f3a', ['*']],
  ])('of the host %j with the queues %j has three parts, none of them empty', (host, queues) => {
    const [name, pid, ...rest] = workerId(host, 1, queues).split(':');
    expect(name).toMatch(/^lambdesque-[A-Za-z0-9._-]+-[0-9a-f]{12}$/);
    expect(pid).toBe('1');
    expect(rest.join(':')).toBe(queues.join(',') || '*');
  });

  test('is new each time', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => workerId('host', 1, ['q']))).size).toBe(1_000);
  });
});

describe('the token', () => {
  test('is the last piece of the host part', () => {
    const id = workerId('web-1', 1, ['a-b']);
    expect(tokenOf(id)).toMatch(/^[0-9a-f]{12}$/);
    expect(id).toContain(`-${tokenOf(id)}:1:`);
  });

  test.each([
    ['lambdesque-host-abc123:7:q-1', 'abc123'],
    ['vm:19482:myqueue', 'vm'],
    ['my-host:1:a-b:c-d', 'host'],
    ['a"b\\c{d}:1:q', 'abcd'],
  ])('of %s is %s: any id has one, fit for a record of attempts', (id, token) => {
    expect(tokenOf(id)).toBe(token);
  });

  test('of the captured Ruby worker is its host', () => {
    const key = vectors().find(({ note }) => note === 'current-job record')?.key ?? '';
    expect(tokenOf(key.replace('resque:worker:', ''))).toBe('vm');
  });
});

describe('a worker whose lease was lost goes on', () => {
  test.each(['web-1', 'lambdesque-0123456789ab', 'a-b-c'])('as another: only the token of %s is new', (host) => {
    const before = workerId(host, 4711, ['a-0123456789ab:x', 'b']);
    const after = renewToken(before);
    expect(tokenOf(after)).toMatch(/^[0-9a-f]{12}$/);
    expect(tokenOf(after)).not.toBe(tokenOf(before));
    expect(after.replace(tokenOf(after), '')).toBe(before.replace(tokenOf(before), ''));
  });

  test('each time', () => {
    const id = workerId('host', 1, ['q']);
    expect(new Set(Array.from({ length: 100 }, () => renewToken(id))).size).toBe(100);
  });
});

describe('of a function', () => {
  const requestId = '0b6a3f6c-7d0e-4f6e-9a62-0d1c5c7a1f2e';

  test.each([
    ['default', 'Shop-Jobs'],
    ['mail-bulk', 'a.b_c'],
    ['with-0123456789ab', 'x-0123456789ab'],
  ])('tells the consumer %s, the system %s and the invocation', (consumer, system) => {
    const whose = { consumer, system, requestId };
    const id = functionWorkerId(whose, ['high', '*']);
    expect(id).toMatch(/^lambdesque-[\w.@-]+-[0-9a-f]{12}:[0-9a-f-]{36}:high,\*$/);
    expect(functionWorkerOf(id)).toEqual(whose);
    expect(functionWorkerOf(renewToken(id))).toEqual(whose);
  });

  test.each([
    ['a worker that is a process', workerId('default', 4711, ['*'])],
    ['a process of a host like that', workerId('default@shop', 4711, ['*'])],
    ['a Ruby worker', 'host.example:4711:*'],
    ['anything', ''],
  ])('%s is none', (_, id) => {
    expect(functionWorkerOf(id)).toBeUndefined();
  });
});
