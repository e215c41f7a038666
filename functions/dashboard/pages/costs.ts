import { COMMANDS_A_PUSH } from '../../contract/prices.ts';
import { type ClassCost, costsOf } from '../costs.ts';
import { columns, field, numeric, table } from '../views/elements.ts';
import { count, duration } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { Page } from './page.ts';

const usd = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const price = (value: number) => (value === 0 ? '0.00' : value < 0.01 ? fine.format(value) : usd.format(value));

export const costsPage: Page = async (view) => {
  const { inspector, prices, now, query } = view;
  const days = now.getUTCDate();
  const month = now.toISOString().slice(0, 7);
  if (!prices) {
    return {
      title: 'Costs',
      menu: 'costs',
      live: false,
      body: html`<p>Where jobs run on AWS Lambda, this page shows what each class cost this month, with the arithmetic. Here nothing is billed.
        To see what it would be, give the size of a function: <code>lambdesque dashboard --memory 512</code>.</p>`,
    };
  }
  const bill = Number(query.text('bill'));
  const billed = Number.isFinite(bill) && bill > 0 ? bill : undefined;
  const { classes, sum } = costsOf(
    await inspector.stats.series({ unit: 'day', last: days, by: 'class' }),
    prices,
    billed,
  );
  const row = (name: Html, one: Omit<ClassCost, 'class'>) => html`<tr><th scope="row">${name}</th>
    <td class="number">${count(one.runs)}</td><td class="number">${duration(one.ms)}</td><td class="number">${(one.share * 100).toFixed(1)}%</td>
    <td class="number">${price(one.lambda)}</td>${one.billed === undefined ? '' : html`<td class="number">${price(one.billed)}</td>`}<td class="number">${price(one.redis)}</td></tr>`;
  return {
    title: `Costs in ${month}, USD`,
    menu: 'costs',
    body: html`
      ${table(
        `What each class cost in ${month}`,
        columns(
          'Class',
          numeric('Runs'),
          numeric('Handlers’ time'),
          numeric('Share'),
          numeric('Lambda, at most'),
          ...(billed === undefined ? [] : [numeric('Share of the bill')]),
          numeric('Pushes to Redis'),
        ),
        classes.length === 0
          ? []
          : [...classes.map((one) => row(one.class, one)), row(html`<strong>All</strong>`, sum)],
        'Nothing has run this month.',
      )}
      <h2>The arithmetic</h2>
      <ul>
        <li><strong>Handlers’ time</strong> is what the runs of this month took together, since day 1 (UTC); Redis keeps the sums.</li>
        <li><strong>Lambda, at most</strong>: seconds × ${fine.format(prices.memory / 1024)} GB (${count(prices.memory)} MB) × ${prices.gbSecond.toFixed(10).replace(/0+$/, '')} for a GB-second.
          A function that runs n jobs at once bills them together, so that its true cost is between this and an nth of it.</li>
        <li><strong>Share of the bill</strong>: what the bill says for the functions that run jobs, shared out by handlers’ time.</li>
        <li><strong>Pushes to Redis</strong>: first attempts × ${COMMANDS_A_PUSH} commands (SADD, RPUSH) × ${usd.format(prices.commands)} for 100,000 commands.
          Workers’ own commands come in batches for all classes together, and are not shared out.</li>
      </ul>
      <form method="get" class="filter">${field('bill', 'What Lambda billed this month, USD', query.text('bill'), html` inputmode="decimal" pattern="[0-9.]+"`)}<button>Share it out</button></form>`,
  };
};
