import type { Command } from 'commander';
import type { GateInfo } from '../../../../shared/index.ts';
import type { Env } from '../../redis/install.ts';
import type { Column } from '../../table.ts';
import { ago, moment } from '../../times.ts';
import { jobColumns } from './job-view.ts';
import { limitText } from './limit-text.ts';
import { type InspectFlags, type Inspection, inspect, noun, options } from './noun.ts';
import { type PageFlags, showPages } from './paging.ts';

/** Holders that a gate is shown with; `--json` has all. */
const HOLDERS = 10;

/** `lambdesque limits`. */
export function addLimits(program: Command, env: Env): void {
  const limits = noun(
    program,
    'limits',
    'what limits hold back; show, release',
    'lambdesque limits',
    'lambdesque limits show class:Report/acme',
  );
  options
    .paged(limits.verb('ls', 'every one that is known (what `limits` does by itself)', 'first').alias('list'))
    .action((flags: InspectFlags & PageFlags) => inspect(flags, env, (inspection) => list(flags, inspection)));
  options
    .paged(limits.verb('show <gate>', 'who has its places, and which jobs are parked'))
    .action((gate: string, flags: InspectFlags & PageFlags) =>
      inspect(flags, env, (inspection) => show(gate, flags, inspection)),
    );
  limits
    .verb('release <gates...>', 'what is parked back to its queues, to be judged anew')
    .action((gates: readonly string[], flags: InspectFlags) =>
      inspect(flags, env, async ({ client, out }) => {
        for (const gate of gates) {
          const released = await client.limits.release(gate);
          if (released === 0) out.missing(`No job is parked at ${gate}.`);
          else out.done({ gate, released }, `Released ${released === 1 ? '1 job' : `${released} jobs`} of ${gate}.`);
        }
      }),
    );
}

async function list(flags: PageFlags, { client, out }: Inspection): Promise<void> {
  const count = await showPages(out, flags, gateColumns(out.now), (page) => client.limits.list(page));
  if (count === 0)
    out.hint('Nothing is limited or paused, as far as Redis knows. Limits by key are known while jobs are parked.');
}

async function show(gate: string, flags: PageFlags, { client, out }: Inspection): Promise<void> {
  const info = await client.limits.get(gate);
  const holders = info.holders.map(({ worker, places, alive }) => `${places} ${worker}${alive ? '' : ' (dead)'}`);
  const more = holders.length > HOLDERS ? [`and ${holders.length - HOLDERS} more: --json has all`] : [];
  out.one(info, [
    ['gate', info.gate],
    ['limit', info.kind === 'pause' ? undefined : info.limit ? limitText(info.limit) : 'as its workers were told'],
    ['taken', taken(info)],
    ['started', info.started === 0 ? undefined : `${info.started} within the time of its rate`],
    ['workers', [...holders.slice(0, HOLDERS), ...more].join('\n')],
    ['parked', info.parked],
    ['looked at', moment(info.lookAt, out.now)],
  ]);
  if (info.parked === 0) return;
  if (!out.json) console.log();
  await showPages(out, flags, jobColumns(out.now), (page) => client.limits.parked(gate, page));
}

function taken({ holders, called }: GateInfo): string {
  const places = holders.reduce((sum, one) => sum + one.places, 0);
  return called === 0 ? String(places) : `${places}, and ${called} kept`;
}

/** @param now Redis's, epoch ms */
function gateColumns(now: number): readonly Column<GateInfo>[] {
  return [
    { title: 'gate', value: ({ gate }) => gate, least: 12 },
    { title: 'limit', value: ({ kind, limit }) => (kind === 'pause' ? '–' : limit ? limitText(limit) : '?') },
    { title: 'taken', value: taken, align: 'right' },
    {
      title: 'workers',
      value: ({ holders }) => {
        const dead = holders.filter(({ alive }) => !alive).length;
        return `${holders.length}${dead > 0 ? `, ${dead} dead` : ''}`;
      },
      align: 'right',
    },
    { title: 'parked', value: ({ parked }) => String(parked), align: 'right' },
    { title: 'looked at', value: ({ lookAt }) => ago(lookAt, now) },
  ];
}
