import { existsSync } from 'node:fs';
import { ArgumentsError, ConfigError } from '../../../shared/index.ts';
import { createEnqueuer, nearest, type Registry } from '../../../shared/internal.ts';
import { omitUndefined } from '../../omit-undefined.ts';
import { type BackendFlags, connect } from '../backend.ts';
import { jsonHint, parseArguments } from '../job-arguments.ts';
import { loadJobs } from '../jobs.ts';
import type { Env } from '../redis/install.ts';

interface EnqueueFlags extends BackendFlags {
  readonly queue?: string;
  readonly json?: true;
  /** Milliseconds. */
  readonly in?: number;
  readonly at?: Date;
  readonly metadata: boolean;
  readonly jobs: string;
}

/** `lambdesque enqueue`: one job. Its definition, where there is one, gives the queue and checks the arguments. */
export async function enqueue(name: string, texts: readonly string[], flags: EnqueueFlags, env: Env): Promise<void> {
  const args = flags.json ? parseArguments(texts) : texts;
  // A class that is defined elsewhere needs no jobs module here.
  const registry = existsSync(flags.jobs) || flags.queue === undefined ? await loadJobs(flags.jobs) : undefined;
  if (registry && !registry.handlerFor(name)) unknownClass(name, registry, flags);
  const { store } = connect(flags, env);
  try {
    const client = createEnqueuer({ store, ...(registry ? { registry } : {}) });
    const { queue, at, in: delay, metadata } = flags;
    const enqueued = await client.enqueue(
      name,
      args,
      omitUndefined({ queue, at, in: delay === undefined ? undefined : (`${delay}ms` as const), metadata }),
    );
    const when = enqueued.at ? `, due ${(flags.at ?? enqueued.at).toISOString()}` : '';
    console.log(
      `Enqueued ${name} in ${enqueued.queue}${when}${enqueued.id === undefined ? '' : `, id ${enqueued.id}`}`,
    );
    // Where a schema has taken them, they are what they should be.
    const checked = registry?.handlerFor(name)?.definition.args !== undefined;
    const hint = flags.json || checked ? undefined : jsonHint(name, texts);
    if (hint !== undefined) console.error(hint);
  } catch (error) {
    if (flags.json || !(error instanceof ArgumentsError)) throw error;
    const hint =
      'Arguments are strings unless --json is given, which takes each as JSON: 7, true, \'"text"\', \'{"a":1}\'.';
    throw new ArgumentsError(`${error.message}\n${hint}`, { cause: error });
  } finally {
    await store.close();
  }
}

/** Most often a slip; but with its queue given, it may be a class of another program's workers. */
function unknownClass(name: string, { definitions }: Registry, { jobs, queue }: EnqueueFlags): void {
  const known = definitions.map((one) => one.class);
  const similar = nearest(name, known);
  const guess = similar === undefined ? '' : ` Did you mean ${similar}?`;
  const problem = `The jobs module ${jobs} has no class ${name}.${guess}`;
  if (queue === undefined) {
    const all = known.length === 0 ? 'It has none at all.' : `It has ${known.join(', ')}.`;
    throw new ConfigError(`${problem} ${all} For a class of other workers, say which queue, with --queue.`);
  }
  console.error(`warning: ${problem} It is enqueued all the same, for workers that have it.`);
}
