import { facts } from '../views/elements.ts';
import { counted, duration } from '../views/format.ts';
import { html } from '../views/html.ts';
import type { Page } from './page.ts';

export const settingsPage: Page = async (view) => {
  const { about, interval, readOnly, signsIn, logs, prices, totals } = view;
  const hour = 3_600_000 / interval;
  return {
    title: 'Settings',
    menu: 'settings',
    live: false,
    body: html`
      ${facts([
        ['Redis', html`<code>${about.redis}</code>`],
        ['Namespace', html`<code>${about.namespace}</code>`],
        ['Version', about.version],
        ['Changes', readOnly ? 'refused: it is read-only' : 'allowed, and logged with who made them'],
        ['Sign-in', signsIn ? 'by password' : 'none here: whoever reaches the page may use it'],
        ['Workers', totals?.paused ? 'paused' : 'free to take jobs'],
        ['Logs', logs ? html`${logs.groups.map((group) => html`<code>${group}</code> `)}` : undefined],
        [
          'Prices',
          prices
            ? `${prices.memory} MB, ${prices.gbSecond} USD for a GB-second, ${prices.commands} USD for 100,000 commands`
            : undefined,
        ],
      ])}
      <h2>What looking costs</h2>
      <p>A page that can be seen asks again every ${duration(interval)}: ${counted(hour, 'time')} an hour; one in the background not at all. The foot of each page says how many
      commands it sends. For example, 12 commands each time are ${counted(hour * 12, 'command')} an hour, which cost
      ${((hour * 12 * (prices?.commands ?? 0.2)) / 100_000).toFixed(4)} USD at ${(prices?.commands ?? 0.2).toFixed(2)} USD for 100,000 commands. “Pause updates” stops it.</p>`,
  };
};
