import type { Check, Diagnosis } from '../finding.ts';

export const rubyScheduler: Check = {
  name: 'ruby-scheduler',
  async run({ deps, due, names }) {
    const found: Diagnosis[] = [];
    if ((await due()).rubyScheduler) {
      found.push({
        severity: 'notice',
        problem: "Ruby's resque-scheduler runs on this Redis.",
        meaning:
          'It promotes the delayed jobs, as {class,args} without their other fields; ours leaves them to it. Each cron slot is enqueued by one of the two.',
        remedy: 'nothing, if both are wanted; else stop one of them',
      });
    }
    const lock = 'resque_scheduler_leader_lock';
    const key = deps.doctor.keys.queues.slice(0, -'queues'.length) + lock;
    const [type] = (await names()).names.includes(lock) ? ['string'] : await deps.doctor.types([key]);
    if (type === 'string') {
      found.push({
        severity: 'notice',
        problem: "node-resque's scheduler runs on this Redis.",
        meaning:
          'It pops delayed jobs before it pushes them: one is lost if it is killed between. Ours promotes them too.',
        remedy: "stop node-resque's scheduler: ours does what it does",
      });
    }
    return found;
  },
};
