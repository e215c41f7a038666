import { type Command, Option } from 'commander';
import type { FlowInfo, FlowState, FlowTree, FlowView, MemberCounts } from '../../../../shared/index.ts';
import { FLOW_STATES, stringify } from '../../../../shared/internal.ts';
import type { Env } from '../../redis/install.ts';
import type { Column } from '../../table.ts';
import { ago, moment } from '../../times.ts';
import { confirm } from './confirm.ts';
import { type InspectFlags, type Inspection, inspect, noun, options } from './noun.ts';
import { type PageFlags, showPages } from './paging.ts';

/** Characters of a result or an error in a tree. */
const MOST_TEXT = 60;

const MARKS: Readonly<Record<FlowTree['state'], string>> = {
  waiting: '·',
  started: '…',
  succeeded: '✓',
  failed: '✗',
  'passed over': '–',
  cancelled: '⊘',
};

interface ListFlags extends PageFlags {
  readonly state?: FlowState;
}

/** `lambdesque flows`. */
export function addFlows(program: Command, env: Env): void {
  const flows = noun(
    program,
    'flows',
    'flows: ls, show, cancel, retry',
    'lambdesque flows --state failed',
    'lambdesque flows show report-2026-11',
  );
  options
    .paged(flows.verb('ls', 'the newest first (what `flows` does by itself)', 'first').alias('list'))
    .addOption(new Option('--state <state>', 'only those that are so').choices(FLOW_STATES))
    .action((flags: InspectFlags & ListFlags) => inspect(flags, env, (inspection) => list(flags, inspection)));
  options
    .paged(flows.verb('show <id>', 'its steps as a tree, with states and results'))
    .option('--at <path>', 'only the step, chain or group at this path, such as 0.1')
    .action((id: string, flags: InspectFlags & PageFlags & { readonly at?: string }) =>
      inspect(flags, env, async ({ client, out }) => {
        const { at = '0', all, limit } = flags;
        const flow = await client.flows.get(id, { at, limit: all ? 1_000_000 : limit });
        if (!flow)
          out.missing(
            `There is no record of a flow ${id}${at === '0' ? '' : `, or no step ${at} in it`}: it was never started, or ended longer ago than records are kept.`,
          );
        else out.one(flow, fieldsOf(flow, out.now));
      }),
    );
  options
    .yes(flows.verb('cancel <ids...>', 'start nothing more of it; what waits is discarded, what runs is aborted'))
    .option('--reason <text>', 'told to its steps')
    .action((ids: readonly string[], flags: InspectFlags & { readonly yes?: true; readonly reason?: string }) =>
      inspect(flags, env, async ({ client, out }) => {
        await confirm(`Cancel ${ids.length === 1 ? `the flow ${ids[0]}` : `${ids.length} flows`}`, flags);
        for (const id of ids) {
          if (await client.flows.cancel(id, flags.reason)) out.done({ id, cancelled: true }, `Cancelled ${id}.`);
          else out.missing(`The flow ${id} has ended, or there is no record of it.`);
        }
      }),
    );
  flows
    .verb('retry <ids...>', 'run again the steps that have failed; it goes on when they have succeeded')
    .option('--step <path>', 'only this one, such as 0.1:20')
    .action((ids: readonly string[], flags: InspectFlags & { readonly step?: string }) =>
      inspect(flags, env, async ({ client, out }) => {
        for (const id of ids) {
          const again = await client.flows.retry(id, flags.step);
          if (again === 0) out.missing(`No step of the flow ${id} has failed, or there is no record of it.`);
          else out.done({ id, again }, `${again === 1 ? '1 step' : `${again} steps`} of ${id} run again.`);
        }
      }),
    );
}

async function list(flags: ListFlags, { client, out }: Inspection): Promise<void> {
  const { state } = flags;
  const only = state === undefined ? {} : { state };
  const count = await showPages(out, flags, columns(out.now), (page) => client.flows.list({ ...page, ...only }));
  if (count === 0 && state) out.hint(`No flow is ${state}.`);
  else if (count === 0) out.hint('There are no flows: client.flow(…).enqueue() starts one.');
}

function columns(now: number): readonly Column<FlowInfo>[] {
  return [
    { title: 'flow', value: ({ id }) => id, least: 12 },
    { title: 'name', value: ({ name }) => name },
    { title: 'state', value: ({ state }) => state },
    { title: 'done', value: ({ progress }) => `${progress.succeeded}/${progress.steps}`, align: 'right' },
    { title: 'failed', value: ({ progress }) => String(progress.failed), align: 'right' },
    { title: 'started', value: ({ createdAt }) => ago(createdAt, now) },
    { title: 'ended', value: ({ endedAt }) => ago(endedAt, now) },
  ];
}

function fieldsOf(flow: FlowView, now: number) {
  const { id, name, state, reason, createdAt, endedAt, progress, error, tree, onSuccess, onFailure, cut } = flow;
  const callbacks = [onSuccess, onFailure].flatMap((one) => (one ? linesOf(one, 0) : []));
  return [
    ['flow', id],
    ['name', name],
    ['state', reason === undefined ? state : `${state}: ${reason}`],
    ['started', moment(createdAt, now)],
    ['ended', moment(endedAt, now)],
    [
      'steps',
      `${progress.steps}: ${progress.succeeded} succeeded, ${progress.failed} failed, ${progress.started} started`,
    ],
    ['error', error && `step ${error.step}: ${error.exception}: ${error.error}`],
    ['tree', [...linesOf(tree, 0), ...(cut ? ['and more: --limit, or --all'] : [])].join('\n')],
    ['callbacks', callbacks.join('\n')],
  ] as const;
}

function linesOf(node: FlowTree, depth: number): string[] {
  const { kind, state, path, count, nodes, error, result, members } = node;
  const counts = members && count > nodes.length ? `: ${countsText(members)}` : '';
  const what = kind === 'step' ? (node.class ?? '?') : `${kind} of ${count}${counts}`;
  const more = error
    ? ` ${error.exception}: ${short(error.error)}`
    : result === undefined || result === null
      ? ''
      : ` → ${short(stringify(result))}`;
  const line = `${'  '.repeat(depth)}${MARKS[state]} ${what}  ${path}${more}`;
  return [line, ...nodes.flatMap((one) => linesOf(one, depth + 1))];
}

/** `3 succeeded, 1 failed` */
function countsText({ passedOver, ...members }: MemberCounts): string {
  const counts = Object.entries({ ...members, 'passed over': passedOver }).filter(([, count]) => count > 0);
  return counts.map(([word, count]) => `${count} ${word}`).join(', ');
}

function short(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}
