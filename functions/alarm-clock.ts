import type { ScheduleState, UpdateScheduleCommandInput } from '@aws-sdk/client-scheduler';
import type { AlarmClock } from 'lambdesque';
import { AwsError } from './aws.ts';
import type { WakeSettings } from './settings.ts';

/**
 * One one-time schedule of EventBridge Scheduler. It stays when it has gone off: one that AWS deletes by itself could be
 * deleted just after it was set anew.
 *
 * The AWS SDK is the runtime's own, and is imported when it is first needed: to import it takes longer than all else.
 */
export function eventBridgeAlarm(settings: WakeSettings, now: () => number): AlarmClock {
  const loading = once(async () => {
    const sdk = await import('@aws-sdk/client-scheduler');
    return { ...sdk, client: new sdk.SchedulerClient({ maxAttempts: 5 }) };
  });

  function scheduleAt(at: number, State: ScheduleState): UpdateScheduleCommandInput {
    return {
      Name: settings.schedule,
      GroupName: settings.group,
      Description: 'Starts the scheduler of Lambdesque when something is due. Set by its functions.',
      ScheduleExpression: `at(${new Date(at).toISOString().slice(0, 19)})`,
      ScheduleExpressionTimezone: 'UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
      ActionAfterCompletion: 'NONE',
      State,
      Target: {
        Arn: settings.target,
        RoleArn: settings.role,
        Input: JSON.stringify({ source: 'lambdesque.wake', at: new Date(at).toISOString() }),
        DeadLetterConfig: { Arn: settings.fallback },
      },
    };
  }

  async function send(at: number | undefined): Promise<void> {
    const { client, CreateScheduleCommand, UpdateScheduleCommand } = await loading();
    const is = (error: unknown, name: string) => error instanceof Error && error.name === name;
    if (at === undefined) {
      // Its time has to be given nevertheless.
      const disarmed = new UpdateScheduleCommand(scheduleAt(now() + 60_000, 'DISABLED'));
      await client.send(disarmed).catch((error) => {
        if (!is(error, 'ResourceNotFoundException')) throw error;
      });
      return;
    }
    const armed = scheduleAt(at, 'ENABLED');
    try {
      await client.send(new UpdateScheduleCommand(armed));
    } catch (error) {
      if (!is(error, 'ResourceNotFoundException')) throw error;
      await client.send(new CreateScheduleCommand(armed)).catch((failure) => {
        // Somebody else has made it meanwhile.
        if (!is(failure, 'ConflictException')) throw failure;
        return client.send(new UpdateScheduleCommand(armed));
      });
    }
  }

  return {
    async set(at) {
      try {
        await send(at);
      } catch (cause) {
        const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
        throw new AwsError(
          `The schedule ${JSON.stringify(settings.schedule)} that starts the scheduler next could not be set: ${said}. ` +
            "The function's role needs scheduler:CreateSchedule and scheduler:UpdateSchedule on it and iam:PassRole on " +
            `${settings.role}. Until it can, the fallback queue starts the scheduler after 15 minutes, and then each half hour.`,
          { cause },
        );
      }
    },
  };
}

/**
 * An alarm clock for workers: where it cannot be set, the scheduler is started at once. That fails then as well, and what
 * fails there comes to the fallback queue; a worker that was started over a URL has nobody who notices.
 * @param start starts the scheduler, and does not wait for it
 */
export function orStart(alarm: AlarmClock, start: () => Promise<void>): AlarmClock {
  return {
    async set(at) {
      try {
        await alarm.set(at);
      } catch (error) {
        // The first reason is the one to tell.
        await start().catch(() => {});
        throw error;
      }
    },
  };
}

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
