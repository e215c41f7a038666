import type { Command } from 'commander';
import type { Env } from '../../redis/install.ts';
import { addClasses } from './classes.ts';
import { addCron } from './cron.ts';
import { addDoctor } from './doctor.ts';
import { addFailed } from './failed.ts';
import { addFlows } from './flows.ts';
import { addJobs, addScheduled } from './jobs.ts';
import { addLimits } from './limits.ts';
import { addLocks } from './locks.ts';
import { addQueues } from './queues.ts';
import { addStats } from './stats.ts';
import { addTop } from './top/top.ts';
import { addWorkers } from './workers.ts';

/** The commands that look at what is in Redis, and change it: one noun each, and what looks at all of it. */
export function addInspector(program: Command, env: Env): void {
  const all = [
    addQueues,
    addClasses,
    addLimits,
    addLocks,
    addJobs,
    addFailed,
    addFlows,
    addScheduled,
    addCron,
    addWorkers,
    addStats,
    addTop,
    addDoctor,
  ];
  for (const add of all) add(program, env);
}
