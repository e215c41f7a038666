import { beforeEach, expect, test } from 'vitest';
import { redisSignInBroker, type SignInBroker, signInLimits } from '../../../shared/broker/redis/sign-ins.ts';
import { withBackends } from '../../helpers/backends.ts';

/** Tries to sign in to the dashboard, counted for all its servers. */

const LIMITS = { address: 3, all: 5, window: 60_000 };
const ME = '192.0.2.1';

withBackends((bed) => {
  const open = () => redisSignInBroker(bed.client(), 'resque:', LIMITS);
  let signIns: SignInBroker;
  beforeEach(() => {
    signIns = open();
  });
  const tries = async (n: number, address: string) => {
    const waits: number[] = [];
    for (let i = 0; i < n; i++) waits.push(await signIns.take(address));
    return waits;
  };

  test('of one address so many, and then none until the window is over', async () => {
    expect(await tries(3, ME)).toEqual([0, 0, 0]);
    const wait = await signIns.take(ME);
    expect(wait).toBeGreaterThan(50_000);
    expect(wait).toBeLessThanOrEqual(LIMITS.window);
    expect(await signIns.take('192.0.2.2'), 'another address').toBe(0);
    // What was refused is not counted, so that the door is not kept shut by it.
    expect(await bed.db.get('resque:dashboard:tries')).toBe('4');
    await bed.db.del(`resque:dashboard:tries:${ME}`);
    expect(await signIns.take(ME)).toBe(0);
  });

  test('a hundred at once are no more than one after the other', async () => {
    const waits = await Promise.all(Array.from({ length: 100 }, () => signIns.take(ME)));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(3);
  });

  test('of all addresses together so many', async () => {
    for (let i = 0; i < 5; i++) expect(await signIns.take(`198.51.100.${i}`)).toBe(0);
    expect(await signIns.take('198.51.100.99')).toBeGreaterThan(0);
  });

  test('one customer’s IPv6 addresses are one', async () => {
    const same = ['2001:db8:1:2::1', '2001:DB8:1:2:ffff::9', '2001:db8:1:2:3:4:5:6'];
    for (const address of same) expect(await signIns.take(address)).toBe(0);
    expect(await signIns.take('2001:db8:1:2::7')).toBeGreaterThan(0);
    expect(await signIns.take('2001:db8:1:3::1')).toBe(0);
  });

  test('a good one makes those before it not count, neither for the address nor for all', async () => {
    await tries(3, ME);
    await signIns.take('192.0.2.2');
    await signIns.forget(ME);
    expect(await bed.db.get('resque:dashboard:tries')).toBe('1');
    expect(await bed.db.pttl('resque:dashboard:tries')).toBeGreaterThan(0);
    expect(await tries(3, ME)).toEqual([0, 0, 0]);
    await signIns.forget('203.0.113.1');
    expect(await bed.db.get('resque:dashboard:tries')).toBe('4');
  });

  test('counters end by themselves, also ones that somebody has left without an end', async () => {
    await signIns.take(ME);
    for (const key of await bed.db.keys('resque:dashboard:tries*')) {
      expect(await bed.db.pttl(key)).toBeGreaterThan(0);
    }
    await bed.db.set(`resque:dashboard:tries:${ME}`, '99');
    expect(await signIns.take(ME)).toBe(LIMITS.window);
    expect(await bed.db.pttl(`resque:dashboard:tries:${ME}`)).toBeGreaterThan(0);
  });

  test('the secret of forms is made once, whoever asks first', async () => {
    const [one, other] = await Promise.all([open().formSecret(), open().formSecret()]);
    expect(one).toBe(other);
    expect(one.length).toBeGreaterThanOrEqual(43);
    await bed.db.del('resque:dashboard:form-secret');
  });
});

test('the limits let nobody guess a password of 12 characters', () => {
  const aDay = (86_400_000 / signInLimits.window) * signInLimits.all;
  // A password out of a list of the million most common ones takes weeks, at the very best.
  expect(aDay).toBeLessThan(20_000);
});
