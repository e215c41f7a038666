import { describe, expect, test, vi } from 'vitest';
import { EscapedErrors } from '../../../functions/runtime/escaped-errors.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

/** A process that can end, and a worker that knows some errors' jobs. */
function begin(knows: (error: unknown) => boolean) {
  const log = recordingLogger();
  const exited = Promise.withResolvers<number>();
  const escaped = new EscapedErrors(log, exited.resolve);
  const crash = vi.fn(async () => {});
  escaped.worker = { escaped: knows, crash };
  return { log, escaped, crash, exited: exited.promise };
}

describe('an error that came by no promise', () => {
  test('counts for its job where that can be told, and nothing ends', async () => {
    const { log, escaped, crash } = begin(() => true);
    await escaped.handle(new Error('boom'));
    expect(crash).not.toHaveBeenCalled();
    expect(log.lines).toEqual([]);
  });

  test('gives back what runs, and then ends the environment, where it cannot', async () => {
    const { log, escaped, crash, exited } = begin(() => false);
    const error = new Error('boom');
    await escaped.handle(error);
    expect(crash).toHaveBeenCalledOnce();
    expect(await exited).toBe(1);
    expect(log.lines).toMatchObject([{ level: 'error', fields: { error } }]);
  });

  test('ends the environment between invocations', async () => {
    const { escaped, exited } = begin(() => false);
    escaped.worker = undefined;
    await escaped.handle(new Error('boom'));
    expect(await exited).toBe(1);
  });
});
