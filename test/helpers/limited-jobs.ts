/** Job classes with limits, for worker processes under test (`work --jobs`), that say in `JOB_LOG` when they run. */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { defineJob } from 'lambdesque';

const file = process.env['JOB_LOG'];

/** A line in one small write, which is atomic: `+` or `-`, what is limited, the job, the process. */
function note(mark: '+' | '-', of: string, name: unknown): void {
  if (file !== undefined) appendFileSync(file, `${mark} ${of} ${String(name)} ${process.pid}\n`);
}

async function run(of: string, name: unknown, ms: number): Promise<void> {
  note('+', of, name);
  await delay(ms);
  note('-', of, name);
}

/** Five at once, in whatever queue. */
const Capped = defineJob({ class: 'Capped', limit: { running: 5 }, perform: ([n]) => run('class', n, 20) });

/** Two at once of each tenant. */
const Tenant = defineJob({
  class: 'Tenant',
  limit: { running: 2, key: ([tenant]) => String(tenant) },
  perform: ([tenant, n]) => run(`tenant-${tenant}`, n, 20),
});

/** As many as its queue lets through. */
const Plain = defineJob({ class: 'Plain', perform: ([n]) => run('queue', n, 20) });

export default [Capped, Tenant, Plain];
