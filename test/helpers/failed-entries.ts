import type { Failed, FailedEntry, FailedPage, FailedQuery } from '../../shared/index.ts';

/** Failed entries as other programs write them: name → entry, and what it says. */
export const foreignEntries = {
  'Ruby Resque': {
    raw: '{"failed_at":"2026/11/20 20:29:37 UTC","payload":{"class":"Charge","args":[9007199254740993,1.0]},"exception":"RuntimeError","error":"boom","backtrace":["a.rb:1","b.rb:2"],"worker":"host:1:q","queue":"billing"}',
    at: '2026-11-20T20:29:37.000Z',
    payload: '{"class":"Charge","args":[9007199254740993,1.0]}',
    class: 'Charge',
    backtrace: ['a.rb:1', 'b.rb:2'],
  },
  'Ruby Resque in a zone, retried in resque-web': {
    raw: '{"failed_at":"2026/11/20 21:29:37 CET","payload":{"class":"Charge","args":[1]},"exception":"RuntimeError","error":"boom","backtrace":[],"worker":"host:1:q","queue":"billing","retried_at":"2026/11/21 08:00:00"}',
    at: '2026-11-20T20:29:37.000Z',
    payload: '{"class":"Charge","args":[1]}',
    class: 'Charge',
    backtrace: [],
    retriedAt: '2026-11-21T08:00:00.000Z',
  },
  'php-resque, ISO 8601': {
    raw: '{"failed_at":"2026-11-20T20:29:37+00:00","payload":{"class":"Charge","args":[{"a":"b\\/c"}],"id":"d96d3448e98b29aace86a5474d84fe78","prefix":""},"exception":"Exception","error":"boom","backtrace":["#0 {main}"],"worker":"host:1:q","queue":"billing"}',
    at: '2026-11-20T20:29:37.000Z',
    payload: '{"class":"Charge","args":[{"a":"b\\/c"}],"id":"d96d3448e98b29aace86a5474d84fe78","prefix":""}',
    class: 'Charge',
    backtrace: ['#0 {main}'],
  },
  'php-resque, strftime': {
    raw: '{"failed_at":"Fri Nov 20 20:29:37 UTC 2026","payload":{"class":"Charge","args":[null]},"exception":"Exception","error":"boom","backtrace":"one\\ntwo","worker":"host:1:q","queue":"billing"}',
    at: '2026-11-20T20:29:37.000Z',
    payload: '{"class":"Charge","args":[null]}',
    class: 'Charge',
    backtrace: ['one', 'two'],
  },
  goworker: {
    raw: '{"failed_at":"2026-11-20T21:29:37.123456789+01:00","payload":{"class":"Charge","args":[1e3]},"exception":"Error","error":"boom","backtrace":null,"worker":"host:1:q","queue":"billing"}',
    at: '2026-11-20T20:29:37.123Z',
    payload: '{"class":"Charge","args":[1e3]}',
    class: 'Charge',
    backtrace: [],
  },
  'pyres 1.5, which names no zone': {
    raw: '{"failed_at": "2026/11/20 20:29:37", "payload": {"class": "jobs.Charge", "args": ["x", {"n": 1.0}]}, "exception": "type", "error": "boom", "backtrace": ["ValueError: boom \\u00e9", ""], "queue": "billing", "worker": "host:1:q"}',
    at: '2026-11-20T20:29:37.000Z',
    payload: '{"class": "jobs.Charge", "args": ["x", {"n": 1.0}]}',
    class: 'jobs.Charge',
    backtrace: ['ValueError: boom é', ''],
  },
  'jesque 2.2.0': {
    raw: '{"worker":"host:1:q","queue":"billing","payload":{"class":"Charge","args":["x",{"n":1.0}],"vars":null},"backtrace":["\\tat Cap$1.run(Cap.java:25)"],"error":"boom","exception":"java.lang.IllegalStateException","failed_at":"2026-11-20T20:29:37.337+0000","retried_at":null}',
    at: '2026-11-20T20:29:37.337Z',
    payload: '{"class":"Charge","args":["x",{"n":1.0}],"vars":null}',
    class: 'Charge',
    backtrace: ['\tat Cap$1.run(Cap.java:25)'],
  },
  'Rails’ ActiveJob': {
    raw: '{"failed_at":"2026/11/20 20:29:37 UTC","payload":{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper","args":[{"job_class":"Charge","job_id":"0c3f","queue_name":"billing","arguments":[{"_aj_globalid":"gid://shop/User/7"}],"executions":1}]},"exception":"RuntimeError","error":"boom","backtrace":[],"worker":"host:1:q","queue":"billing"}',
    at: '2026-11-20T20:29:37.000Z',
    payload:
      '{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper","args":[{"job_class":"Charge","job_id":"0c3f","queue_name":"billing","arguments":[{"_aj_globalid":"gid://shop/User/7"}],"executions":1}]}',
    class: 'Charge',
    backtrace: [],
  },
  'node-resque': {
    raw: '{"worker":"host:1:q","queue":"billing","payload":{"class":"charge","queue":"billing","args":[1]},"exception":"Error","error":"boom","backtrace":["at x"],"failed_at":"Fri Nov 20 2026 20:29:37 GMT+0000 (Coordinated Universal Time)"}',
    at: '2026-11-20T20:29:37.000Z',
    payload: '{"class":"charge","queue":"billing","args":[1]}',
    class: 'charge',
    backtrace: ['at x'],
  },
} as const;

/** What may stand in a failed list and is no job's entry. */
export const garbageEntries: Readonly<Record<string, string | Buffer>> = {
  'no JSON': 'hello',
  'nothing at all': '',
  'bytes that are not UTF-8': Buffer.from([0xff, 0xfe, 0x00, 0x7b]),
  'a number': '1',
  null: 'null',
  'an array': '[1,2]',
  'an empty object': '{}',
  'a payload that is text':
    '{"failed_at":"2026/11/20 20:29:37 UTC","payload":"hello","exception":"E","error":"e","queue":"q"}',
  'a payload that is an array': '{"failed_at":"2026/11/20 20:29:37 UTC","payload":["class"],"error":"e","queue":"q"}',
  'a payload that is null': '{"failed_at":"x","payload":null,"exception":null,"error":null,"queue":null}',
  'a payload without a class':
    '{"failed_at":1795725577,"payload":{"args":[1]},"exception":"E","error":"e","queue":"q"}',
  'fields of other types':
    '{"failed_at":["2026"],"payload":{"class":["A"],"args":7},"exception":{"a":1},"error":[1],"backtrace":{"b":1},"worker":3,"queue":{}}',
};

export const NUMBERED = /"args":\[(\d+)/;

/** An entry as we write it, with a number to know it by. */
export function numbered(
  number: number,
  more: { class?: string; queue?: string; error?: string; at?: number } = {},
): string {
  const {
    class: name = 'Job',
    queue = 'q',
    error = `No. ${number} failed`,
    at = Date.UTC(2026, 10, 20) + number * 1000,
  } = more;
  const text = new Date(at).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');
  const rest = JSON.stringify({ exception: 'Error', error, backtrace: ['at x'], worker: 'host:1:q', queue });
  return `{"failed_at":"${text} UTC","payload":{"class":"${name}","args":[${number}]},${rest.slice(1)}`;
}

export const numberOf = ({ raw }: Pick<FailedEntry, 'raw'>): number => Number(NUMBERED.exec(raw)?.[1]);

/** Every page, from the first to the last. @param between what happens before each but the first */
export async function allPages(
  failed: Failed,
  query: FailedQuery & { limit?: number } = {},
  between: () => Promise<void> = async () => {},
): Promise<FailedPage[]> {
  const pages: FailedPage[] = [];
  let cursor: string | undefined;
  do {
    if (cursor !== undefined) await between();
    const page: FailedPage = await failed.page({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(page);
    cursor = page.cursor;
    if (pages.length > 2_000) throw new Error('The pages do not end.');
  } while (cursor !== undefined);
  return pages;
}
