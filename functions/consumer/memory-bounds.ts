import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type WorkerBroker, workerDefaults } from '../../shared/internal.ts';

const MB = 1_048_576;
/** Of the function's memory, these parts: Node itself takes 60 MB, and a payload is there as bytes, as text, and as arguments. */
const BATCH_PART = 1 / 1024;
const HELD_PART = 1 / 32;

/**
 * How many bytes of payloads a worker takes at once, and holds: less than by default in a small function, which would
 * otherwise end by what waits in its queues.
 * @param megabytes what Lambda says in AWS_LAMBDA_FUNCTION_MEMORY_SIZE; undefined anywhere else
 */
export function memoryBounds(megabytes: string | undefined): {
  readonly batchBytes: number;
  readonly heldBytes: number;
} {
  const { batchBytes, heldBytes } = workerDefaults;
  const memory = Number(megabytes) * MB;
  if (!(memory > 0)) return { batchBytes, heldBytes };
  return {
    batchBytes: Math.min(batchBytes, Math.ceil(memory * BATCH_PART)),
    heldBytes: Math.min(heldBytes, Math.ceil(memory * HELD_PART)),
  };
}

/** After so many bytes of payloads, a part of the function's memory, what is left of them is collected. */
const COLLECT_PART = 1 / 32;
/** In a larger function the garbage collector comes in time by itself. */
const SMALL = 256;

/**
 * A broker for a small function. Bytes that have come over a connection are no part of the heap: V8 sees no reason to collect
 * them before they are 64 MB, half of a function of 128. So it is told to.
 */
export function withinMemory<Store extends Pick<WorkerBroker, 'sync'>>(
  store: Store,
  megabytes: string | undefined,
  newCollector = collector,
): Store {
  const memory = Number(megabytes);
  if (!(memory > 0 && memory <= SMALL)) return store;
  const collect = newCollector();
  let bytes = 0;
  return {
    ...store,
    async sync(request: Parameters<Store['sync']>[0]) {
      const reply = await store.sync(request);
      if (reply.kind !== 'held') return reply;
      for (const { size } of reply.jobs) bytes += size;
      if (bytes >= memory * MB * COLLECT_PART) {
        bytes = 0;
        collect();
      }
      return reply;
    },
  };
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
