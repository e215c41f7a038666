import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { clock, type Peer } from './peer.ts';
import type { OfferSetting } from './service.ts';

/** Enqueues each job at its time, whatever became of those before. */
export async function offer(peer: Peer, { jobs, rate, bell }: OfferSetting): Promise<void> {
  const began = clock();
  const bells = bell === undefined ? undefined : new Bells(bell);
  const sent: Promise<void>[] = [];
  for (let id = 0; id < jobs; ) {
    const due = Math.min(jobs, Math.floor(((clock() - began) / 1_000) * rate) + 1);
    for (; id < due; id++) sent.push(peer.add(id, clock()).then(() => bells?.ring()));
    const wait = began + (id / rate) * 1_000 - clock();
    if (wait > 0) await delay(wait);
  }
  await Promise.all(sent);
  await bells?.silence();
}

/** Calls of a URL; while one is under way, one more after it stands for all that come. */
class Bells {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true });
  #again = false;
  #calling: Promise<void> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  ring(): void {
    this.#again = true;
    this.#calling ??= this.#callWhileRung();
  }

  /** Resolves when the last call has been answered. */
  async silence(): Promise<void> {
    await this.#calling;
    this.#agent.destroy();
  }

  async #callWhileRung(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#call();
    }
    this.#calling = undefined;
  }

  #call(): Promise<void> {
    return new Promise((resolve, reject) => {
      const call = request(this.#url, { method: 'POST', agent: this.#agent }, (response) => {
        response.resume().once('end', resolve);
      });
      call.once('error', reject).end();
    });
  }
}
