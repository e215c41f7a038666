import { describe, expect, test } from 'vitest';
import type { Inspector } from '../../../../functions/dashboard/inspector.ts';
import { changes, pages } from '../../../../functions/dashboard/pages/index.ts';
import { RedisUnavailableError } from '../../../../shared/index.ts';
import { bareDashboard, HOST, MOST_TRIES, openedOver, PASSWORD } from '../../../helpers/dashboard/bare.ts';

/** Each way in that should be shut. */

const SESSION_MS = 12 * 3_600_000;

describe('without a sign-in', () => {
  test.each(pages.map(([path]) => path))('%s leads to the sign-in and says nothing', async (path) => {
    const bare = bareDashboard();
    const response = await bare.send(`${path}?name=secret`);
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe(`/sign-in?next=${encodeURIComponent(`${path}?name=secret`)}`);
    expect(await response.text()).toBe('');
  });

  test.each(changes.map(([path]) => path))('POST %s changes nothing', async (path) => {
    const bare = bareDashboard();
    const response = await bare.send(path, { form: { sure: 'yes', name: 'q', token: 'made up' } });
    expect(response.status).toBe(401);
    expect(bare.changed).toEqual([]);
  });

  test.each(['/nothing', '/assets/page.js', '/assets/', '//', '/..%2fqueues', '/queues/', '/sign-out'])(
    '%s says nothing either',
    async (path) => {
      const response = await bareDashboard().send(path);
      expect(response.status).toBe(303);
      expect(await response.text()).toBe('');
    },
  );

  test('the script is not served; the style sheet is, and the sign-in page tells nothing', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    const page = await (await bare.send('/settings', { cookie })).text();
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1] ?? '';
    const style = /href="(\/assets\/[^"]+\.css)"/.exec(page)?.[1] ?? '';
    expect((await bare.send(script, { cookie })).status).toBe(200);
    expect((await bare.send(script)).status).toBe(303);
    expect((await bare.send(style)).status).toBe(200);
    const form = await (await bare.send('/sign-in')).text();
    expect(form).toContain('type="password"');
    expect(form).not.toMatch(/redis\.internal|resque:|9\.9\.9|<script/);
  });

  test('an update asked for by the script is refused, not answered with a form', async () => {
    const response = await bareDashboard().send('/', { headers: { 'x-lambdesque-live': '1' } });
    expect(response.status).toBe(401);
  });

  test.each(['PUT', 'DELETE', 'PATCH'])('%s is not allowed', async (method) => {
    expect((await bareDashboard().send('/queues', { method })).status).toBe(405);
  });

  test('what goes wrong before it is told only to the log', async () => {
    const bare = bareDashboard({
      open: async () => {
        throw new Error('redis.internal:6379 refused the password hunter2');
      },
    });
    const response = await bare.send('/sign-in', { form: { password: PASSWORD } });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toMatch(/redis|hunter2/);
  });
});

describe('the password', () => {
  test('opens, and the cookie is out of reach for scripts, other sites and plain HTTP', async () => {
    const bare = bareDashboard();
    const response = await bare.send('/sign-in', {
      form: { password: PASSWORD, name: 'Zoë', next: '/failed?class=A' },
    });
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe('/failed?class=A');
    const cookie = response.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^__Host-lambdesque=/);
    for (const part of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/', `Max-Age=${SESSION_MS / 1000}`]) {
      expect(cookie).toContain(part);
    }
    expect((await bare.send('/settings', { cookie: cookie.replace(/;.*/, '') })).status).toBe(200);
  });

  test.each(['', 'wrong', `${PASSWORD} `, PASSWORD.slice(1), PASSWORD.toUpperCase()])(
    '%j does not',
    async (password) => {
      const bare = bareDashboard();
      const response = await bare.send('/sign-in', { form: { password } });
      expect(response.status).toBe(401);
      expect(response.headers.get('set-cookie')).toBe(null);
      expect(bare.log.lines.map((line) => line.message)).toContain('A sign-in failed: wrong password');
      expect(JSON.stringify(bare.log.lines)).not.toContain(PASSWORD);
    },
  );

  test('in the address does not', async () => {
    const response = await bareDashboard().send(`/sign-in?password=${encodeURIComponent(PASSWORD)}`);
    expect(response.headers.get('set-cookie')).toBe(null);
  });

  test('is not looked at after too many tries from one address, the right one neither', async () => {
    const bare = bareDashboard();
    for (let i = 0; i < MOST_TRIES; i++) await bare.send('/sign-in', { form: { password: 'wrong' } });
    const response = await bare.send('/sign-in', { form: { password: PASSWORD } });
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('60');
    expect(response.headers.get('set-cookie')).toBe(null);
    // A header says nothing of the address.
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    expect((await bare.send('/sign-in', { form: { password: PASSWORD }, headers })).status).toBe(429);
    expect((await bare.send('/sign-in', { form: { password: PASSWORD }, address: '192.0.2.2' })).status).toBe(303);
  });

  test('that was right makes the tries before it not count', async () => {
    const bare = bareDashboard();
    await bare.send('/sign-in', { form: { password: 'wrong' } });
    await bare.signIn();
    expect(bare.tries).toEqual([]);
  });

  test('that was changed ends all sessions, within a minute', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    bare.password = 'another one, and just as long';
    bare.time += 61_000;
    expect((await bare.send('/settings', { cookie })).status).toBe(303);
    const fresh = await bare.signIn();
    expect((await bare.send('/settings', { cookie: fresh })).status).toBe(200);
  });

  test('that was changed lets nobody in with the old one, within a minute', async () => {
    const bare = bareDashboard();
    await bare.signIn();
    bare.password = 'another one, and just as long';
    bare.time += 61_000;
    expect((await bare.send('/sign-in', { form: { password: PASSWORD } })).status).toBe(401);
  });

  test('is read once a minute, however many pages are asked for, and sessions go on', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    for (let i = 0; i < 3; i++) {
      bare.time += 61_000;
      for (let j = 0; j < 3; j++) expect((await bare.send('/settings', { cookie })).status).toBe(200);
    }
    expect(bare.reads).toBe(4);
  });

  test('that cannot be read anew lets nobody in until it can', async () => {
    let broken = false;
    const password = async () => {
      if (broken) throw new Error('the secret is gone');
      return PASSWORD;
    };
    const bare = bareDashboard({ signIn: { kind: 'password', password } });
    const cookie = await bare.signIn();
    bare.time += 61_000;
    broken = true;
    expect((await bare.send('/settings', { cookie })).status).toBe(500);
    broken = false;
    expect((await bare.send('/settings', { cookie })).status).toBe(200);
  });

  test('is not read anew for each cookie that somebody makes up', async () => {
    const bare = bareDashboard();
    for (let i = 0; i < 20; i++) await bare.send('/', { cookie: `__Host-lambdesque=${i}.a.b.c` });
    expect(bare.reads).toBe(1);
  });

  test.each(['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)', '/ok\nx: y'])(
    'leads to no other place: next=%j',
    async (next) => {
      const response = await bareDashboard().send('/sign-in', { form: { password: PASSWORD, next } });
      expect(response.headers.get('location')).toBe('/');
    },
  );
});

describe('a cookie', () => {
  test('that is forged, changed or of another password is none', async () => {
    const bare = bareDashboard();
    const [name = '', value = ''] = (await bare.signIn('me')).split('=');
    const parts = value.split('.');
    const last = (text: string) => `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`;
    const later = [String(bare.time + 10 * SESSION_MS), ...parts.slice(1)].join('.');
    const other = bareDashboard();
    other.password = 'another one, and just as long';
    const forged = [
      later,
      last(value),
      parts.slice(0, 3).join('.'),
      `${parts.slice(0, 3).join('.')}.`,
      '',
      'a',
      '....',
      (await other.signIn()).split('=')[1],
    ];
    for (const one of forged) expect((await bare.send('/settings', { cookie: `${name}=${one}` })).status).toBe(303);
    expect((await bare.send('/settings', { cookie: `lambdesque=${value}` })).status).toBe(303);
    expect((await bare.send('/settings', { cookie: `${name}=${value}` })).status).toBe(200);
  });

  test('ends after 12 hours, whatever the browser keeps', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    bare.time += SESSION_MS - 1;
    expect((await bare.send('/settings', { cookie })).status).toBe(200);
    bare.time += 1;
    expect((await bare.send('/settings', { cookie })).status).toBe(303);
  });

  test('is taken away by signing out', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    const response = await bare.send('/sign-out', { cookie, form: { token: await bare.tokenOf(cookie) } });
    expect(response.headers.get('set-cookie')).toMatch(/^__Host-lambdesque=;.*Max-Age=0/);
  });
});

/** Signed in to by AWS, over an inspector that has just this besides an empty page of queues. */
function dashboardOver(part: Partial<Record<keyof Inspector, unknown>>) {
  const totals = async () => ({ now: new Date(0) });
  const inspector = { stats: { totals }, queues: { list: async () => [] }, ...part } as unknown as Inspector;
  const open = async () => openedOver(inspector);
  return bareDashboard({ signIn: { kind: 'iam' }, caller: ({ address }) => ({ address, name: 'zoe' }), open });
}

describe('a change', () => {
  const pauseAll = { sure: 'yes' };

  test('needs the token of a form, and is logged with who made it', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn('Zoë');
    const token = await bare.tokenOf(cookie);
    const response = await bare.send('/queues/pause-all', { cookie, form: { ...pauseAll, token } });
    expect(response.status).toBe(303);
    expect(bare.changed).toEqual(['pauseAll']);
    expect(bare.log.lines.at(-1)).toMatchObject({
      message: 'Changed from the dashboard',
      fields: { change: 'queues/pause-all', unverifiedName: 'Zoë', address: '192.0.2.1', result: 'paused' },
    });
  });

  test('is logged with a name that anybody could have typed as such, and with what AWS says as who it was', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn('arn:aws:iam::1:user/boss');
    await bare.send('/queues/pause-all', { cookie, form: { ...pauseAll, token: await bare.tokenOf(cookie) } });
    expect(bare.log.lines.map((line) => line.fields['by'] ?? line.fields['name'])).toEqual([undefined, undefined]);
    const arn = 'arn:aws:iam::1:user/zoe';
    const iam = bareDashboard({ signIn: { kind: 'iam' }, caller: ({ address }) => ({ address, name: arn }) });
    await iam.send('/queues/pause-all', { form: { ...pauseAll, token: await iam.tokenOf() } });
    expect(iam.log.lines.at(-1)?.fields).toMatchObject({ by: arn });
    expect(iam.log.lines.at(-1)?.fields).not.toHaveProperty('unverifiedName');
  });

  test.each(['/failed/retry-all', '/failed/remove-all'])(
    'of all by %s that fails midway is logged, with who made it',
    async (path) => {
      const fails = async () => {
        throw new RedisUnavailableError('Redis is away.');
      };
      const bare = dashboardOver({ failed: { retryAll: fails, removeAll: fails } });
      const token = await bare.tokenOf();
      const response = await bare.send(path, { form: { sure: 'yes', class: 'Mail', token } });
      expect(response.status).toBe(503);
      expect(await response.text()).toContain('A part of the change may have been made');
      const line = bare.log.lines.find(({ message }) => message === 'Changed from the dashboard');
      expect(line?.fields).toMatchObject({
        change: path.slice(1),
        result: 'failed',
        by: 'zoe',
        form: { class: ['Mail'] },
      });
      expect(line?.fields['form']).not.toHaveProperty('token');
    },
  );

  test('of those chosen tries no more of them where Redis is away, and says how many', async () => {
    let tried = 0;
    const retry = async () => {
      if (++tried === 1) return true;
      throw new RedisUnavailableError('Redis is away.');
    };
    const bare = dashboardOver({ failed: { retry } });
    const token = await bare.tokenOf();
    const form = [['token', token], ...['a', 'b', 'c'].map((place) => ['place', place])] as [string, string][];
    const response = await bare.send('/failed/retry', { form });
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('1 done, 1 cannot be, 1 not tried after that:');
    expect(tried).toBe(2);
    expect(bare.log.lines.at(-1)?.fields).toMatchObject({ n: 1, refused: 1, untried: 1, by: 'zoe' });
  });

  test('with no token, a made up one, or one of another session is refused', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    const others = await bare.tokenOf(await bare.signIn());
    expect(others).not.toBe('');
    for (const token of [undefined, '', 'made up', others]) {
      const form = { ...pauseAll, ...(token === undefined ? {} : { token }) };
      expect((await bare.send('/queues/pause-all', { cookie, form })).status).toBe(403);
    }
    expect(bare.changed).toEqual([]);
  });

  test.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'none' }, 403],
    [{ 'sec-fetch-site': 'cross-site', origin: `https://${HOST}` }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: `https://${HOST}:8443` }, 403],
    [{ 'sec-fetch-site': 'same-origin', origin: `https://${HOST}` }, 303],
    [{ origin: `https://${HOST}` }, 303],
    [{}, 303],
  ])('from %j is answered with %i', async (headers, status) => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    const token = await bare.tokenOf(cookie);
    const response = await bare.send('/queues/pause-all', { cookie, form: { ...pauseAll, token }, headers });
    expect(response.status).toBe(status);
    expect(bare.changed).toEqual(status === 303 ? ['pauseAll'] : []);
  });

  test('that goes wrong is answered with a page that stays: its address is none that can be asked for again', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    const token = await bare.tokenOf(cookie);
    const response = await bare.send('/jobs/reschedule', { cookie, form: { token, place: 'made up' } });
    expect(response.status).toBe(400);
    const page = await response.text();
    expect(page).toContain('Give the new time');
    expect(page).not.toContain('data-live');
  });

  test('is not made by GET', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    const token = await bare.tokenOf(cookie);
    expect((await bare.send(`/queues/pause-all?sure=yes&token=${token}`, { cookie })).status).toBe(404);
    expect(bare.changed).toEqual([]);
  });

  test('that cannot be undone is asked first', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    const token = await bare.tokenOf(cookie);
    const response = await bare.send('/queues/pause-all', { cookie, form: { token } });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('Pause all workers?');
    expect(bare.changed).toEqual([]);
  });

  test.each(changes.map(([path]) => path))('%s is refused where it is read-only', async (path) => {
    const bare = bareDashboard({ readOnly: true });
    const cookie = await bare.signIn();
    const settings = await (await bare.send('/settings', { cookie })).text();
    const token = /name="token" value="([^"]+)"/.exec(settings)?.[1] ?? '';
    expect(token, 'of the form that signs out').not.toBe('');
    const response = await bare.send(path, { cookie, form: { sure: 'yes', name: 'q', token } });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('read-only');
    expect(bare.changed).toEqual([]);
  });

  test('larger than a megabyte is refused', async () => {
    const bare = bareDashboard();
    const cookie = await bare.signIn();
    const response = await bare.send('/queues/pause-all', { cookie, form: { token: 'x'.repeat(1_100_000) } });
    expect(response.status).toBe(413);
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(response.headers.get('x-frame-options')).toBe('DENY');
  });
});

describe('where nobody has to sign in', () => {
  const local = () =>
    bareDashboard({ signIn: { kind: 'none' }, hosts: () => ['127.0.0.1:7377', 'localhost:7377'], secure: false });

  test('a name that leads to this machine is not enough: only the machine’s own', async () => {
    const bare = local();
    for (const host of [
      'evil.example',
      'evil.example:7377',
      'localhost',
      '127.0.0.1',
      '127.0.0.1:80',
      'localhost:7377.evil.example',
      '',
    ]) {
      expect((await bare.send('/settings', { headers: { host } })).status, host).toBe(421);
    }
    expect((await bare.send('/settings', { headers: { host: 'localhost:7377' } })).status).toBe(200);
    expect((await bare.send('/settings', { headers: { host: 'LOCALHOST:7377' } })).status).toBe(200);
  });

  test('another port of this machine can change nothing', async () => {
    const bare = local();
    const headers = { host: '127.0.0.1:7377', 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:3000' };
    expect((await bare.send('/queues/pause-all', { headers, form: pauseForm })).status).toBe(403);
    const plain = { host: '127.0.0.1:7377' };
    expect((await bare.send('/queues/pause-all', { headers: plain, form: pauseForm })).status, 'no token').toBe(403);
    expect(bare.changed).toEqual([]);
  });

  const pauseForm = { sure: 'yes' };
});

test('where AWS has asked already, forms are signed by a secret that all servers share', async () => {
  const one = bareDashboard({ signIn: { kind: 'iam' } });
  const other = bareDashboard({ signIn: { kind: 'iam' } });
  const token = await one.tokenOf();
  expect((await other.send('/queues/pause-all', { form: { sure: 'yes', token } })).status).toBe(303);
  expect((await other.send('/queues/pause-all', { form: { sure: 'yes', token: 'made up' } })).status).toBe(403);
  expect(other.changed).toEqual(['pauseAll']);
});

test('every answer has the headers that keep others out', async () => {
  const bare = bareDashboard();
  const cookie = await bare.signIn();
  for (const path of ['/settings', '/sign-in', '/nothing']) {
    const { headers } = await bare.send(path, { cookie });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('strict-transport-security')).toMatch(/max-age=\d{7}/);
  }
});
