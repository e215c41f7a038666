import type { ScheduleState, UpdateScheduleCommandInput } from '@aws-sdk/client-scheduler';
import type { OneTimeSchedule } from '../../shared/internal.ts';
import type { OnDemandSettings } from '../contract/settings.ts';
import { AwsError } from './requests.ts';

/** For all requests of one setting, ms: no job waits longer for it. */
const PATIENCE = 8_000;
/** Of a schedule that others set at the same time; and ms, on average, between two tries. */
const TRIES = 5;
const WAIT = 300;

/**
 * One one-time schedule of EventBridge Scheduler. It stays when it has gone off: one that AWS deletes by itself could be
 * deleted just after it was set anew.
 *
 * The AWS SDK is the runtime's own, and is imported when it is first needed: to import it takes longer than all else.
 */
export function eventBridgeSchedule(settings: OnDemandSettings, now: () => number): OneTimeSchedule {
  const loading = once(async () => {
    const sdk = await import('@aws-sdk/client-scheduler');
    return { ...sdk, client: new sdk.SchedulerClient({ maxAttempts: 5 }) };
  });

  function scheduleAt(at: number, State: ScheduleState): UpdateScheduleCommandInput {
    return {
      Name: settings.schedule,
      GroupName: settings.group,
      Description: 'The next run of the Lambdesque scheduler',
      ScheduleExpression: `at(${new Date(at).toISOString().slice(0, 19)})`,
      ScheduleExpressionTimezone: 'UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
      ActionAfterCompletion: 'NONE',
      State,
      Target: {
        Arn: settings.target,
        RoleArn: settings.role,
        Input: JSON.stringify({ source: 'lambdesque.wake', at: new Date(at).toISOString() }),
        // What cannot be started soon comes to the fallback queue, which starts it then.
        RetryPolicy: { MaximumEventAgeInSeconds: 900, MaximumRetryAttempts: 10 },
        DeadLetterConfig: { Arn: settings.fallback },
      },
    };
  }

  async function send(at: number | undefined): Promise<void> {
    const { client, CreateScheduleCommand, UpdateScheduleCommand } = await loading();
    const over = { abortSignal: AbortSignal.timeout(PATIENCE) };
    // Disarmed, its time has to be given nevertheless.
    const schedule = at === undefined ? scheduleAt(now() + 60_000, 'DISABLED') : scheduleAt(at, 'ENABLED');
    for (let tries = 1; ; tries++) {
      try {
        await client.send(new UpdateScheduleCommand(schedule), over);
        return;
      } catch (error) {
        if (nameOf(error) === 'ResourceNotFoundException') {
          if (at === undefined) return;
          const failure = await client.send(new CreateScheduleCommand(schedule), over).then(() => undefined, asIs);
          if (failure === undefined) return;
          if (nameOf(failure) !== 'ConflictException') throw failure;
        } else if (nameOf(error) !== 'ConflictException' || tries === TRIES) {
          throw error;
        }
      }
      // Somebody else sets it just now; the SDK does not try that again.
      await new Promise((resolve) => setTimeout(resolve, WAIT * (0.5 + Math.random())));
    }
  }

  return {
    async set(at) {
      try {
        await send(at);
      } catch (cause) {
        const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
        throw new AwsError(
          `The next run of the scheduler could not be set: ${said}. The role needs scheduler:CreateSchedule and ` +
            'scheduler:UpdateSchedule on the schedule, and iam:PassRole; a function in a VPC needs a NAT gateway, or an ' +
            'interface endpoint for scheduler. Until then the fallback queue starts it, within half an hour.',
          { cause },
        );
      }
    },
  };
}

/**
 * A schedule for workers: where it cannot be set, the scheduler is started at once. That fails then as well, and what
 * fails there comes to the fallback queue; a worker that was started over a URL has nobody who notices.
 * @param start starts the scheduler, and does not wait for it
 */
export function orStart(schedule: OneTimeSchedule, start: () => Promise<void>): OneTimeSchedule {
  return {
    async set(at) {
      try {
        await schedule.set(at);
      } catch (error) {
        // The first reason is the one to tell.
        await start().catch(() => {});
        throw error;
      }
    },
  };
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : '');
const asIs = (error: unknown) => error;

/** What `make` gives, made once; anew after it failed. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
