import { expect, test } from 'vitest';
import type { Broker, SyncReply, SyncRequest } from '../../../shared/broker/broker.ts';
import { tellingPaused } from '../../../shared/service/paused.ts';
import { syncReply } from '../../helpers/builders.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { from } from '../../helpers/test-worker.ts';

const asking = (...queues: string[]): SyncRequest => ({
  worker: 'w',
  call: 1,
  lease: 1,
  settle: [],
  reserve: { ...from(queues), firstSeq: 0 },
});

function start() {
  const log = recordingLogger();
  let reply: Partial<SyncReply> = {};
  let seen = 0;
  const store = { sync: async () => syncReply(reply) } as unknown as Broker;
  const telling = tellingPaused(store, 'app:pause-all-workers', log);
  const sync = async (next: Partial<SyncReply>, request = asking('a', 'b')) => {
    reply = next;
    await telling.sync(request);
    const told = log.lines.slice(seen).map(({ level, fields }) => [level, fields['queue'] ?? fields['key']]);
    seen = log.lines.length;
    return told;
  };
  return { sync };
}

test('a paused queue is told once, where the worker looks at it, and again when it is resumed', async () => {
  const { sync } = start();
  expect(await sync({})).toEqual([]);
  expect(await sync({ pausedQueues: ['a', 'elsewhere'] })).toEqual([['warn', 'a']]);
  expect(await sync({ pausedQueues: ['a', 'b'] })).toEqual([['warn', 'b']]);
  expect(await sync({ pausedQueues: ['a', 'b'] })).toEqual([]);
  expect(await sync({ pausedQueues: ['b'] })).toEqual([['info', 'a']]);
  const { reserve: _, ...silent } = asking('a');
  expect(await sync({ pausedQueues: [] }, silent), 'it asks for none').toEqual([]);
  expect(await sync({})).toEqual([['info', 'b']]);
});

test('that all workers are paused is told beside it', async () => {
  const { sync } = start();
  expect(await sync({ paused: true, pausedQueues: ['a'] })).toEqual([
    ['warn', 'a'],
    ['warn', 'app:pause-all-workers'],
  ]);
  expect(await sync({ pausedQueues: ['a'] })).toEqual([['info', 'app:pause-all-workers']]);
});
