/** What fugit 1.5.2 and rufus-scheduler 3.8.2, Debian's, answered to these. */
import { describe, expect, test } from 'vitest';
import { rubyRefusesCron, rubyRefusesInterval } from '../../../../shared/scheduler/cron/ruby-grammar.ts';

const TAKEN = [
  ...['* * * * *', '*/5 * * * *', '* * * * * *', '*/5 * * * * *', '0  3 * *\t*', '00 03 * * *', '5/15 * * * *'],
  ...['1-5,*/2 * * * *', '*/10,5 * * * *', '0-59/15 * * * *', '*/61 * * * *', '1/2 * * * *', '5-1 * * * *'],
  ...['0 9 L * *', '0 3 l,15 * *', '0 3 last * *', '0 0 -3 * *', '0 3 1,15 * *', '0 3 1-31/2 * *', '0 0 29 2 *'],
  ...['0 0 * jan *', '0 0 * jan-MAR *', '0 0 * feb,mar *', '0 3 * 1-12/3 *', '0 0 31 4,5 *'],
  ...[
    '0 9 * * fri#2',
    '0 9 * * FRI#L',
    '0 0 * * mon#-1',
    '0 0 * * 1#1,3#2',
    '0 0 * * mon%2',
    '0 0 * * 7',
    '0 0 * * 0-7',
  ],
  ...['0 0 * * MON-FRI', '0 0 * * sat-mon', '0 3 * * Mon', '0 3 * * FRI', '0 3 * * */2', '0 0 * * 1-5/2', '0 24 * * *'],
  ...['0 3 * * * UTC', '0 3 * * *  Europe/Paris', '0 3 * * * Etc/GMT+5', '0 3 * * * EST5EDT', '0 3 * * * +02:00'],
  ...['0 3 * * * America/Port-au-Prince', '0 3 * * * America/North_Dakota/New_Salem', '0 3 * * * US/East-Indiana'],
  ...[
    '30 0 3 * * SAT America/New_York',
    '@yearly',
    '@annually',
    '@monthly',
    '@weekly',
    '@daily',
    '@midnight',
    '@hourly',
  ],
];

const REFUSED = [
  ...[
    '0 9 L-1 * *',
    '0 9 -5-3,1 * *',
    '0 9 * * thu%2,4#-1',
    '0 9 * * sun#1,7%2',
    '0 9 1-7 * mon&',
    'every day at noon',
  ],
  ...['0 9 15W * *', '0 0 1W * *', '0 0 LW * *', '0 0 W * *', '0 0 * * monL', '0 9 * * 5L', '0 0 * * 1L'],
  ...['0 3 ? * MON', '0 0 ? * *', '0 0 * * ?', 'H * * * *', '+ * * * *', '', '* * * *', '* * * * * * *', 'fri#2'],
  ...[' 0 3 * * *', '0 3 * * * ', ' @daily', '@daily ', '@daily Europe/Paris', '@DAILY', '@every 30s', '@reboot'],
  ...['0 3 1, 15 * *', '0 3 1,,2 * *', '0 3 * * ,1', '0 3 * * 1,', '0 0 1-5-7 * *', '0 3 * * *#1', '0 0 * * 1&'],
  ...['60 * * * *', '* 25 * * *', '0 0 0 * *', '0 0 32 * *', '0 0 * 0 *', '0 0 * 13 *', '0 0 * * 8', '0-70 * * * *'],
  ...['*/0 * * * *', '*/00 * * * *', '*/100 * * * *', '1-3/0 * * * *', '0 0 * * 5#6', '0 0 * * 5#0'],
  ...['0 0 * january *', '0 0 * * monday', '0 0 30 2 *', '0 0 30 2 MON', '0 0 31 4,6 MON', '0 0 31 FEB *'],
  ...[
    '0 3 * * * europe/paris',
    '0 3 * * * Europe/PARIS',
    '0 3 * * * Europe/Nowhere',
    '0 3 * * * Z',
    '0 3 * * *\tEurope/Paris',
  ],
];

describe('a cron expression', () => {
  test.each(TAKEN)('%j is taken', (cron) => {
    expect(rubyRefusesCron(cron)).toBeUndefined();
  });

  test.each(REFUSED)('%j is refused', (cron) => {
    expect(rubyRefusesCron(cron)).toEqual(expect.stringMatching(/\w/));
  });

  test.each([
    [' 0 3 * * *', 'it has blanks around it'],
    ['@daily Europe/Paris', 'a time zone behind @daily is unknown there'],
    ['0 9 15W * *', 'its day of the month, "15W", is written in a way unknown there'],
    ['0 3 * * * Europe/Nowhere', 'the time zone "Europe/Nowhere" is unknown there'],
    ['0 0 30 2 MON', 'no month of "2" has a day of "30"'],
  ])('%j is refused for a reason: %s', (cron, reason) => {
    expect(rubyRefusesCron(cron)).toContain(reason);
  });
});

test.each([
  ['30s', undefined],
  ['1h30m', undefined],
  ['1.5', undefined],
  ['1w2d', undefined],
  ['1500ms', 'milliseconds are unknown there'],
  ['1s500ms', 'milliseconds are unknown there'],
])('the interval %s', (interval, reason) => {
  if (reason === undefined) expect(rubyRefusesInterval(interval)).toBeUndefined();
  else expect(rubyRefusesInterval(interval)).toContain(reason);
});
