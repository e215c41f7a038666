import { existsSync } from 'node:fs';
import { ConfigError, createClient, parseWithBigInts } from 'lambdesque';
import { type BackendFlags, connect } from '../backend.ts';
import { loadJobs } from '../jobs.ts';
import type { Env } from '../redis/install.ts';

export interface EnqueueFlags extends BackendFlags {
  readonly queue?: string;
  readonly json?: true;
  /** Milliseconds. */
  readonly in?: number;
  readonly at?: Date;
  readonly jobs: string;
}

/** `lambdesque enqueue`: one job. Its definition, where there is one, gives the queue and checks the arguments. */
export async function enqueue(name: string, texts: readonly string[], flags: EnqueueFlags, env: Env): Promise<void> {
  const args = flags.json ? texts.map(parseArgument) : texts;
  // A class that is defined elsewhere needs no jobs module here.
  const registry = existsSync(flags.jobs) || flags.queue === undefined ? await loadJobs(flags.jobs) : undefined;
  const { store } = await connect(flags, env);
  try {
    const client = createClient({ store, ...(registry ? { registry } : {}) });
    const options = flags.queue === undefined ? {} : { queue: flags.queue };
    const enqueued = flags.at
      ? await client.enqueueAt(flags.at, name, args, options)
      : flags.in !== undefined
        ? await client.enqueueIn(flags.in / 1000, name, args, options)
        : await client.enqueue(name, args, options);
    const when = enqueued.at ? `, due ${(flags.at ?? enqueued.at).toISOString()}` : '';
    console.log(`Enqueued ${name} in ${enqueued.queue}${when}, id ${enqueued.id}`);
  } finally {
    await store.close();
  }
}

function parseArgument(text: string): unknown {
  try {
    return parseWithBigInts(text);
  } catch (error) {
    throw new ConfigError(
      `--json: the argument ${JSON.stringify(text)} is not JSON. A string needs its quotes: '"hi"'.`,
      {
        cause: error,
      },
    );
  }
}
