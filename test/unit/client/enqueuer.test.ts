import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createEnqueuer, type EnqueueItem, type Enqueuer, type EnqueuerDeps } from '../../../shared/client/enqueuer.ts';
import { ArgumentsError, ConfigError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import type { JobRef } from '../../../shared/job/enqueue.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { parseWithBigInts } from '../../../shared/json.ts';
import { vectors } from '../../helpers/builders.ts';
import { FakeStore, type Store } from '../../helpers/fake-broker.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const SECOND = Date.UTC(2026, 10, 20, 20, 29, 37) / 1000;
const plain = { metadata: false } as const;

const Hello = defineJob({ class: 'Hello', queue: 'myqueue', perform() {} });
const NoQueue = defineJob({ class: 'NoQueue', perform() {} });
const Mail = defineJob({ class: 'mail:*', queue: 'mails', args: z.tuple([z.email()]), perform() {} });
const Slow = defineJob({
  class: 'Slow',
  queue: 'slow',
  args: z.tuple([z.string().refine(async (text) => text !== 'taken')]),
  perform() {},
});
const When = defineJob({ class: 'When', queue: 'q', args: z.tuple([z.date()]), perform() {} });
const Typed = defineJob({
  class: 'Typed',
  queue: 'typed',
  args: z.tuple([z.string().transform((text) => text.length), z.object({ copies: z.number().default(1) })]),
  perform() {},
});

let clock: ManualClock;
let store: FakeStore;
let client: Enqueuer;

beforeEach(() => {
  clock = new ManualClock(1000 * SECOND + 125);
  store = new FakeStore(() => clock.now());
  client = createEnqueuer({
    metadata: true,
    store,
    clock,
    wallClock: () => clock.now(),
    registry: createRegistry([Hello, Mail, Typed]),
  });
});

describe('the payload', () => {
  test('has class, args, id and queue_time, in this order', async () => {
    const { id, queue, payload } = await client.enqueue(Hello, ['hi', { b: 1, a: [null, 1.5] }]);
    expect(queue).toBe('myqueue');
    expect(payload).toBe(
      `{"class":"Hello","args":["hi",{"b":1,"a":[null,1.5]}],"id":"${id}","queue_time":${SECOND}.125}`,
    );
    expect(store).toEqual({ pushes: [[{ queue: 'myqueue', payload }]], delays: [] });
  });

  test('of a delayed job names its queue, after args', async () => {
    const { id, payload } = await client.enqueue(Hello, [1], { at: new Date(2_000_000_000_000) });
    expect(payload).toBe(`{"class":"Hello","args":[1],"queue":"myqueue","id":"${id}","queue_time":${SECOND}.125}`);
    expect(store).toEqual({ pushes: [], delays: [[{ seconds: 2_000_000_000, payload }]] });
  });

  test('has an id that is new each time, and not in the form of ids with a php-resque status record', async () => {
    const ids = await Promise.all(Array.from({ length: 100 }, async () => (await client.enqueue(Hello, [])).id));
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('says what its worker has to know of its control', async () => {
    const now = 1000 * SECOND + 125;
    const Brief = defineJob({ class: 'Brief', queue: 'q', expires: '10m', deadline: '1h', track: true, perform() {} });
    const brief = await client.enqueue(Brief, [], { metadata: false });
    expect(brief.id).toMatch(/^[0-9a-f]{32}$/);
    const control = (payload: string) => JSON.parse(payload).control;
    expect(control(brief.payload)).toEqual({ expires: now + 600_000, deadline: now + 3_600_000, keep: 86_400 });
    const later = await client.enqueue(Brief, [], {
      in: '1m',
      expires: new Date(2e12),
      deadline: Infinity,
      track: false,
    });
    expect(control(later.payload)).toEqual({ expires: 2e12, deadline: null });
    const due = (later.at?.getTime() ?? 0) + 5_000;
    expect(control((await client.enqueue(Hello, [], { in: '1m', expires: '5s' })).payload)).toEqual({ expires: due });
    const plain = await client.enqueue(Hello, [], { expires: Infinity, track: false, unique: false, metadata: false });
    expect(plain.payload).toBe('{"class":"Hello","args":[]}');
  });

  test.each<[object, RegExp]>([
    [{ unique: { wile: 'queued' } }, /^enqueue Hello: unique: there is no option "wile"/],
    [{ track: 1 }, /^enqueue Hello: track must be true, false/],
    [{ expires: 5 }, /^enqueue Hello: expires must be a duration.*got 5/],
    [{ expires: new Date(Number.NaN) }, /^enqueue Hello: expires must be a valid Date/],
    [{ deadline: '0s' }, /^enqueue Hello: deadline must be a duration/],
  ])('is not written with %j', async (options, message) => {
    await expect(client.enqueue(Hello, [], options)).rejects.toThrow(message);
    expect(store).toEqual({ pushes: [], delays: [] });
  });

  test('has neither id nor queue_time by default, nor with metadata: false', async () => {
    const { payload } = await createEnqueuer({ store }).enqueue(Hello, ['hi']);
    expect(payload).toBe('{"class":"Hello","args":["hi"]}');
    expect(await client.enqueue(Hello, ['hi'], plain)).toEqual({
      id: undefined,
      queue: 'myqueue',
      payload: '{"class":"Hello","args":["hi"]}',
      at: undefined,
      duplicate: false,
    });
    expect(await client.enqueue(Hello, ['hi'], { ...plain, in: '60s' })).toEqual({
      id: undefined,
      queue: 'myqueue',
      payload: '{"class":"Hello","args":["hi"],"queue":"myqueue"}',
      at: new Date(1000 * (SECOND + 60)),
      duplicate: false,
    });
  });

  // JavaScript has no 1.0 that is not 1: those are the bytes that it cannot write.
  const ruby = vectors().filter(
    ({ producer, key, raw }) =>
      /^(resque|resque-scheduler|activejob) /.test(producer) && /:(queue|delayed):/.test(key) && !raw.includes('.0'),
  );

  test.each(ruby.map((vector) => [vector.producer, vector.note, vector]))(
    'has the bytes that %s writes: %s',
    async (_producer, _note, { key, raw }) => {
      const { class: name, args, queue } = parseWithBigInts(raw) as { class: string; args: unknown[]; queue?: string };
      const delayed = /:delayed:(\d+)$/.exec(key)?.[1];
      const { payload } = delayed
        ? await client.enqueue(name, args, { ...plain, queue: queue ?? '', at: new Date(1000 * Number(delayed)) })
        : await client.enqueue(name, args, { ...plain, queue: 'q' });
      expect(payload).toBe(raw);
    },
  );

  test('those vectors are many', () => {
    expect(ruby.length).toBeGreaterThanOrEqual(6);
  });

  test('writes bigints as integers', async () => {
    const { payload } = await client.enqueue(Hello, [12345678901234567890n, [-9007199254740993n]], plain);
    expect(payload).toBe('{"class":"Hello","args":[12345678901234567890,[-9007199254740993]]}');
  });

  test('has the arguments as they were given, not as the schema transforms them for the handler', async () => {
    const { payload } = await client.enqueue(Typed, ['four', {}], plain);
    expect(payload).toBe('{"class":"Typed","args":["four",{}]}');
  });
});

describe('where it goes', () => {
  test("the caller's queue, before the definition's", async () => {
    expect(await client.enqueue(Hello, [], { queue: 'urgent' })).toMatchObject({ queue: 'urgent' });
    expect(await client.enqueue(Hello, [], { queue: 'urgent', ...plain, in: '9s' })).toMatchObject({
      queue: 'urgent',
      payload: '{"class":"Hello","args":[],"queue":"urgent"}',
    });
    expect(store.pushes[0]).toMatchObject([{ queue: 'urgent' }]);
  });

  test.each(['Hello', 'mail:welcome'])('by class name: the queue of the definition of %s', async (name) => {
    const { queue, payload } = await client.enqueue(name, ['a@example.org'], plain);
    expect(queue).toBe(name === 'Hello' ? 'myqueue' : 'mails');
    expect(payload).toBe(`{"class":"${name}","args":["a@example.org"]}`);
  });

  test('by the name of a class that is defined elsewhere', async () => {
    expect(await client.enqueue('Billing::Charge', [1], { queue: 'billing', ...plain })).toMatchObject({
      queue: 'billing',
      payload: '{"class":"Billing::Charge","args":[1]}',
    });
    const bare = createEnqueuer({ metadata: true, store });
    expect(await bare.enqueue('Hello', [1], { queue: 'q' })).toMatchObject({ queue: 'q' });
  });
});

describe('when it is due', () => {
  const now = 1000 * SECOND + 125;

  test.each([
    ['the epoch', 0],
    ['a second ago', now - 1_000],
    ['now', now],
    ['within this second', 1000 * SECOND + 999],
  ])('%s is not the future: it goes to its queue at once', async (_when, at) => {
    const { payload } = await client.enqueue(Hello, [], { ...plain, at: new Date(at) });
    expect(payload).toBe('{"class":"Hello","args":[]}');
    expect(store).toEqual({ pushes: [[{ queue: 'myqueue', payload }]], delays: [] });
  });

  test.each([
    [1000 * SECOND + 1_000, SECOND + 1],
    [1000 * SECOND + 1_999, SECOND + 1],
    [1000 * SECOND + 2_000, SECOND + 2],
    [2_000_000_000_999, 2_000_000_000],
  ])('%i ms is due in the list of second %i: floored', async (at, seconds) => {
    const { payload } = await client.enqueue(Hello, [], { at: new Date(at) });
    expect(store).toEqual({ pushes: [], delays: [[{ seconds, payload }]] });
  });

  test.each([
    [30, SECOND + 30],
    [0.9, SECOND + 1],
    [1.874, SECOND + 1],
    [1.875, SECOND + 2],
  ])('in %d s', async (wait, seconds) => {
    await client.enqueue(Hello, [], { in: `${wait * 1000}ms` });
    expect(store.delays).toMatchObject([[{ seconds }]]);
  });

  test.each([0, 0.5])('in %d s is now', async (wait) => {
    await client.enqueue(Hello, [], { in: `${wait * 1000}ms` });
    expect(store.pushes).toHaveLength(1);
    expect(store.delays).toEqual([]);
  });
});

describe('what cannot be enqueued rejects, and pushes nothing', () => {
  const noQueue = "no queue. Give options.queue, or a queue in the job's definition.";

  test.each<[string, (client: Enqueuer) => Promise<unknown>, Error | RegExp]>([
    [
      'arguments that the schema refuses',
      (to) => to.enqueue(Mail as never, ['x'], { queue: 'q' }),
      new ConfigError('enqueue: "mail:*" stands for many classes. Give the class by name, such as "mail:name".'),
    ],
    [
      'arguments that the schema of a class name refuses',
      (to) => to.enqueue('mail:welcome', ['nobody']),
      new ArgumentsError('The arguments do not fit the schema of mail:*: args.0: Invalid email address'),
    ],
    [
      'arguments that the schema of a delayed job refuses',
      (to) => to.enqueue(Typed, [1, {}] as never, { in: '60s' }),
      new ArgumentsError(
        'The arguments do not fit the schema of Typed: args.0: Invalid input: expected string, received number',
      ),
    ],
    [
      'arguments that the schema allows and JSON does not keep',
      (to) => to.enqueue(When, [new Date(0)]),
      new ArgumentsError(
        'The arguments of When would not arrive as they are: args.0 is a Date, which JSON turns into text. ' +
          'Pass date.toISOString(), and read that in the handler.',
      ),
    ],
    [
      'arguments of a delayed job that JSON does not keep',
      (to) => to.enqueue(Hello, [{ total: Number.NaN }], { in: '60s' }),
      new ArgumentsError(
        'The arguments of Hello would not arrive as they are: args.0.total is NaN, which JSON writes as null. ' +
          'Pass a finite number, null or text.',
      ),
    ],
    [
      'a queue that is no UTF-8',
      (to) => to.enqueue(Hello, [], { queue: 'a\ud800' }),
      new ConfigError('enqueue Hello: the queue "a\\ud800" cannot be written as UTF-8. Name another.'),
    ],
    [
      'arguments that are no array',
      (to) => to.enqueue('Hello', { a: 1 } as never),
      new ConfigError('enqueue Hello: args must be an array, one element for each argument; got object.'),
    ],
    ['no queue in the definition', (to) => to.enqueue(NoQueue, []), new ConfigError(`enqueue NoQueue: ${noQueue}`)],
    ['no queue for a class name', (to) => to.enqueue('Other', []), new ConfigError(`enqueue Other: ${noQueue}`)],
    ['an empty queue name', (to) => to.enqueue(Hello, [], { queue: '' }), new ConfigError(`enqueue Hello: ${noQueue}`)],
    ['an empty class name', (to) => to.enqueue('', []), new ConfigError('enqueue: the class must be a name; got "".')],
    [
      'a time that is none',
      (to) => to.enqueue(Hello, [], { at: new Date('soon') }),
      new ConfigError('enqueue Hello: the time must be a valid Date after 1970; got Invalid Date.'),
    ],
    [
      'a delay that is no number',
      (to) => to.enqueue(Hello, [], { in: Number.NaN }),
      /^enqueue Hello: in must be a duration: a number of milliseconds, .* got NaN\.$/,
    ],
    [
      'a delay without end',
      (to) => to.enqueue(Hello, [], { in: Infinity }),
      /^enqueue Hello: in must be a duration: .* got Infinity\.$/,
    ],
    [
      'a delay of another grammar',
      (to) => to.enqueue(Hello, [], { in: '30 seconds' as '30s' }),
      /^enqueue Hello: in must be a duration: .* got "30 seconds"\.$/,
    ],
    [
      'a delay into the past',
      (to) => to.enqueue(Hello, [], { in: -1 }),
      /^enqueue Hello: in must be a duration: .* got -1\.$/,
    ],
    [
      'a small number, meant as seconds',
      (to) => to.enqueue(Hello, [], { in: 30 }),
      /^enqueue Hello: in must be a duration, and a number without a unit is milliseconds; got 30\. Write '30s' for seconds/,
    ],
    [
      'an option that there is not',
      (to) => to.enqueue(Hello, [], { delay: '3s' } as never),
      new ConfigError(
        'enqueue Hello: there is no option "delay"; got "3s". There are queue, in, at, metadata, unique, track, expires, deadline, trace.',
      ),
    ],
    [
      'a misspelt option',
      (to) => to.enqueue(Hello, [], { qeue: 'q' } as never),
      /^enqueue Hello: there is no option "qeue" \(did you mean "queue"\?\); got "q"\./,
    ],
    [
      'a misspelt option of one of many',
      (to) => to.enqueueAll([{ job: Hello, args: [], delay: '3s' } as never]),
      /^items\.0: enqueue Hello: there is no option "delay"; got "3s"\./,
    ],
    [
      'options that are none',
      (to) => to.enqueue(Hello, [], '3s' as never),
      new ConfigError('enqueue: options must be an object; got "3s".'),
    ],
    [
      'a time as text',
      (to) => to.enqueue(Hello, [], { at: '2026-12-01' as never }),
      /^enqueue Hello: at must be a Date, such as new Date\(.*\); got "2026-12-01"\.$/,
    ],
    [
      'no job',
      (to) => to.enqueue(undefined as never, []),
      new ConfigError('enqueue: the job must be what defineJob returns, or the name of a class; got undefined.'),
    ],
    [
      'a queue that is no name',
      (to) => to.enqueue(Hello, [], { queue: 5 as never }),
      new ConfigError('enqueue Hello: the queue must be a name; got 5.'),
    ],
    ['no list of many', (to) => to.enqueueAll(5 as never), /^enqueueAll: items must be a list, .*; got 5\.$/],
    [
      'nothing, as one of many',
      (to) => to.enqueueAll([null as never]),
      /^items\.0: must be an object, .*; got null\.$/,
    ],
    [
      'two times',
      (to) => to.enqueue(Hello, [], { in: '1s', at: new Date(0) }),
      new ConfigError('enqueue Hello: at and in both say when. Give one of them.'),
    ],
    [
      'a delay beyond the calendar',
      (to) => to.enqueue(Hello, [], { in: 8.64e15 }),
      new ConfigError('enqueue Hello: the time must be a valid Date after 1970; got in 8640000000000000.'),
    ],
  ])('%s', async (_what, call, error) => {
    // A promise, not an exception: `enqueue(…).catch(…)` has to see it.
    let rejection: Promise<unknown> | undefined;
    expect(() => {
      rejection = call(client);
    }).not.toThrow();
    await expect(rejection).rejects.toThrow(error);
    expect(store).toEqual({ pushes: [], delays: [] });
  });

  test('what the store says is passed on', async () => {
    const away: Store = {
      enqueue: () => Promise.reject(new Error('away')),
      enqueueDelayed: () => Promise.reject(new Error('away too')),
      enqueueControlled: () => Promise.reject(new Error('away as well')),
      time: async () => 0,
      close: async () => {},
    };
    const offline = createEnqueuer({ metadata: true, store: away });
    await expect(offline.enqueue(Hello, [])).rejects.toThrow('away');
    await expect(offline.enqueueAll([{ job: Hello, args: [], at: new Date(8e12) }])).rejects.toThrow('away');
  });
});

test('a reference to a class that is defined elsewhere needs a name and a queue', async () => {
  const Elsewhere: JobRef<readonly [string]> = { class: 'Elsewhere', queue: 'theirs' };
  const { queue, payload } = await client.enqueue(Elsewhere, ['hi'], plain);
  expect([queue, payload]).toEqual(['theirs', '{"class":"Elsewhere","args":["hi"]}']);
});

test('arguments that change while an asynchronous schema looks at them are checked as they are written', async () => {
  const late: unknown[] = ['free'];
  const enqueued = client.enqueue(Slow as never, late as never);
  late[0] = undefined;
  await expect(enqueued).rejects.toThrow('args.0 is undefined');
  expect(store).toEqual({ pushes: [], delays: [] });
});

describe('enqueueAll', () => {
  const items: readonly EnqueueItem[] = [
    { job: Hello, args: [1], ...plain },
    { job: Hello, args: [2], at: new Date(2_000_000_000_000), ...plain },
    { job: 'mail:welcome', args: ['a@example.org'], ...plain },
    { job: 'Other', args: [3], queue: 'others', at: new Date(0), ...plain },
    { job: Typed, args: ['x', {}], queue: 'slow', at: new Date(2_000_000_001_999), ...plain },
  ];

  test('pushes all in one call, and adds all delayed ones in one, each in their order', async () => {
    const enqueued = await client.enqueueAll(items);
    expect(store.pushes).toEqual([
      [
        { queue: 'myqueue', payload: '{"class":"Hello","args":[1]}' },
        { queue: 'mails', payload: '{"class":"mail:welcome","args":["a@example.org"]}' },
        { queue: 'others', payload: '{"class":"Other","args":[3]}' },
      ],
    ]);
    expect(store.delays).toEqual([
      [
        { seconds: 2_000_000_000, payload: '{"class":"Hello","args":[2],"queue":"myqueue"}' },
        { seconds: 2_000_000_001, payload: '{"class":"Typed","args":["x",{}],"queue":"slow"}' },
      ],
    ]);
    expect(enqueued.map(({ queue }) => queue)).toEqual(['myqueue', 'myqueue', 'mails', 'others', 'slow']);
    expect(enqueued.map(({ payload }) => payload.length)).toEqual([28, 46, 49, 28, 48]);
  });

  test('gives each job an id of its own', async () => {
    const enqueued = await client.enqueueAll([
      { job: Hello, args: [] },
      { job: Hello, args: [] },
    ]);
    expect(new Set(enqueued.map(({ id }) => id)).size).toBe(2);
    expect(enqueued.every(({ id, payload }) => payload.includes(`"id":"${id}"`))).toBe(true);
  });

  test.each<[string, EnqueueItem]>([
    ['arguments', { job: 'mail:welcome', args: ['nobody'] }],
    ['a queue', { job: NoQueue, args: [] }],
    ['a time', { job: Hello, args: [], at: new Date(Number.NaN) }],
    ['a class', { job: Mail, args: ['a@example.org'] }],
    ['arguments that JSON does not keep', { job: Hello, args: [new Map()] }],
    ['arguments that its schema refuses later', { job: Slow, args: ['taken'] }],
  ])('pushes nothing if one of them has %s that cannot be used', async (_what, bad) => {
    await expect(client.enqueueAll([...items, bad])).rejects.toThrow(/^items\.5: /);
    await expect(client.enqueueAll([bad, ...items])).rejects.toThrow(/^items\.0: /);
    expect(store).toEqual({ pushes: [], delays: [] });
  });

  test('waits for schemas that answer later, and keeps the order', async () => {
    const mixed = ['a', 'b', 'c', 'd'].map((name, i) => ({ job: i % 2 ? Slow : Hello, args: [name], queue: 'q' }));
    const enqueued = await client.enqueueAll(mixed as readonly EnqueueItem[]);
    const classes = store.pushes
      .flat()
      .map(({ payload }) => /^{"class":"(\w+)","args":\["(\w)"/.exec(payload)?.slice(1));
    expect(classes).toEqual([
      ['Hello', 'a'],
      ['Slow', 'b'],
      ['Hello', 'c'],
      ['Slow', 'd'],
    ]);
    expect(enqueued.map(({ payload }) => payload)).toEqual(store.pushes.flat().map(({ payload }) => payload));
  });

  test('of nothing does nothing', async () => {
    expect(await client.enqueueAll([])).toEqual([]);
    expect(store).toEqual({ pushes: [], delays: [] });
  });
});

describe('onDue', () => {
  const told: number[] = [];
  const telling = (given: Partial<EnqueuerDeps> = {}) => {
    told.length = 0;
    const onDue = (at: number) => void told.push(at);
    return createEnqueuer({ metadata: true, store, clock, wallClock: () => clock.now(), onDue, ...given });
  };
  const at = (ms: number) => ({ job: Hello, args: [], at: new Date(ms) });

  test.each<[string, readonly EnqueueItem[], number]>([
    ['now', [{ job: Hello, args: [] }], 1000 * SECOND + 125],
    ['the earliest of several', [at(3_000_000_000_000), at(2_000_000_000_999)], 2_000_000_000_000],
    ['now, before any later one', [at(3_000_000_000_000), { job: Hello, args: [] }], 1000 * SECOND + 125],
  ])('is told once: %s', async (_what, items, due) => {
    await telling().enqueueAll(items);
    expect(told).toEqual([due]);
  });

  test('is told of a single job', async () => {
    await telling().enqueue(Hello, []);
    await telling().enqueue(Hello, [], { in: '60s' });
    expect(told).toEqual([1000 * (SECOND + 60)]);
  });

  test('is told nothing where nothing was enqueued', async () => {
    const offline = new FakeStore();
    offline.enqueue = () => Promise.reject(new Error('away'));
    await telling().enqueueAll([]);
    await expect(telling({ store: offline }).enqueue(Hello, [])).rejects.toThrow('away');
    expect(told).toEqual([]);
  });
});
