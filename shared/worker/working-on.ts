import type { SyncRequest } from '../broker/broker.ts';
import { resqueTime } from '../wire/resque-time.ts';
import { rubyCanShow } from '../wire/ruby/can-show.ts';
import type { Attempt } from './attempt.ts';

/** A job that runs for longer is shown as what its worker works on; shorter ones are not worth a call. */
const SHOW_AFTER_MS = 1_000;

/** The `worker:<id>` record: Resque's tools know one job for each worker, so they see the one that has run longest. */
export class WorkingOn {
  #shown: Attempt | undefined;

  /** When the record should be written anew; epoch ms. */
  dueAt(oldest: Attempt | undefined): number {
    return oldest && oldest !== this.#shown ? oldest.startedAt + SHOW_AFTER_MS : Infinity;
  }

  /**
   * The sync's part in it.
   * @param now on the worker's clock  @param ahead by how much Redis's clock is ahead of that, ms
   */
  plan(oldest: Attempt | undefined, now: number, ahead: number, marked: boolean): Pick<SyncRequest, 'workingOn'> {
    if (oldest && now >= this.dueAt(oldest)) {
      this.#shown = oldest;
      const { job } = oldest.bound;
      const { raw } = job;
      // Rather none than one at which Ruby's pages end.
      if (!rubyCanShow(job.payload)) return { workingOn: null };
      const runAt = resqueTime.runAt(new Date(oldest.startedAt + ahead));
      const head = `{"queue":${JSON.stringify(raw.queue)},"run_at":"${runAt}","payload":`;
      return { workingOn: { raw, marked, head, tail: '}' } };
    }
    if (this.#shown && oldest !== this.#shown) {
      this.#shown = undefined;
      return { workingOn: null };
    }
    return {};
  }

  forget(): void {
    this.#shown = undefined;
  }
}
