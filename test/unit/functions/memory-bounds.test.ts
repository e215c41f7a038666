import { expect, test } from 'vitest';
import { memoryBounds, withinMemory } from '../../../functions/consumer/memory-bounds.ts';
import type { SyncReply, SyncRequest } from '../../../shared/broker/broker.ts';
import { workerDefaults } from '../../../shared/config.ts';
import { rawJob, syncReply } from '../../helpers/builders.ts';

const answering = (reply: SyncReply) => ({ sync: async (_request: SyncRequest) => reply });
const { batchBytes, heldBytes } = workerDefaults;

test.each([
  ['128', { batchBytes: 131_072, heldBytes: 4_194_304 }],
  ['512', { batchBytes: 524_288, heldBytes: 16_777_216 }],
  ['10240', { batchBytes, heldBytes }],
  [undefined, { batchBytes, heldBytes }],
  ['plenty', { batchBytes, heldBytes }],
])('a function of %s MB takes and holds a part of it', (memory, bounds) => {
  expect(memoryBounds(memory)).toEqual(bounds);
});

test.each([
  ['128', 2],
  ['1024', 0],
  [undefined, 0],
])('in one of %s MB what came is collected in time', async (memory, times) => {
  let collected = 0;
  const reply = syncReply({ jobs: [rawJob('x'.repeat(1_500_000))] });
  const newCollector = () => () => void collected++;
  const { sync } = withinMemory(answering(reply), memory, newCollector);
  for (let i = 0; i < 6; i++) expect(await sync({} as SyncRequest)).toBe(reply);
  expect(collected).toBe(times);
});

test('the collector is that of V8', async () => {
  const reply = syncReply({ jobs: [rawJob('x'.repeat(5_000_000))] });
  const { sync } = withinMemory(answering(reply), '128');
  expect(await sync({} as SyncRequest)).toBe(reply);
});
