import { describe, expect, it } from 'vitest';
import { unsplice } from '../../../shared/wire/attempts-record.ts';
import { done, from, fromSerial, LEASE, release, texts, withBrokers } from '../../helpers/brokers.ts';

/** Jobs that were reserved when a worker died. Nobody knows which of them was the cause. */
withBrokers((stores) => {
  const healthy = (name: string) => `{"class":"${name}","args":[]}`;
  const suspect = (name: string, deaths: number) =>
    `{"lambdesque":{"id":"${name}","attempts":0,"deaths":${deaths}},"class":"${name}","args":[]}`;
  const classOf = (payload: string) => (JSON.parse(unsplice(payload).payload) as { class: string }).class;
  const classes = (payloads: readonly string[]) => payloads.map(classOf);
  const queued = async (queue: string) => classes(await stores.queued(queue));
  const busy = { alone: 'no' } as const;

  /** Leading white space hides no record. */
  const spaces = ['', ' ', ' \n\t\r '];

  describe.each(spaces)('of one death, behind the white space %j', (space) => {
    const once = (name: string) => space + suspect(name, 1);

    it('is taken into a free place, with others beside it', async () => {
      await stores.produce('q', healthy('a'), once('b'), healthy('c'));

      const reply = await stores.worker().sync({ reserve: from('q', 3, { ...busy, suspects: 1 }) });

      expect(texts(reply.jobs)).toEqual([healthy('a'), once('b'), healthy('c')]);
      expect(reply).toMatchObject({ alone: false, passedOver: { forPlace: 0, forWorker: 0 } });
    });

    it('is never prefetched: as many come as can start, the others go to the tail, and healthy ones come', async () => {
      await stores.produce('q', once('a'), healthy('b'), once('c'), once('d'), healthy('e'), healthy('f'));

      const reply = await stores.worker().sync({ reserve: from('q', 3, { ...busy, suspects: 1 }) });

      expect(classes(texts(reply.jobs))).toEqual(['a', 'b', 'e']);
      expect(reply.passedOver).toEqual({ forPlace: 2, forWorker: 0 });
      expect(await stores.queued('q')).toEqual([healthy('f'), once('c'), once('d')]);
    });

    it.each([0, 500])(
      'is found among hundreds of others, and a newline as well, with %i bytes more in each',
      async (more) => {
        const longer = (name: string) => healthy(name + 'x'.repeat(more));
        const all = Array.from({ length: 700 }, (_, i) => longer(`${i}-`));
        all[400] = once('taken');
        all[450] = `{\n"class":"lines","args":[]}`;
        all[500] = once('left');
        await stores.produce('q', ...all);

        const reply = await stores.worker().sync({ reserve: from('q', 650, { ...busy, suspects: 1 }) });

        const left = all.splice(500, 1);
        expect(texts(reply.jobs)).toEqual(all.slice(0, 650));
        expect(reply.passedOver).toEqual({ forPlace: 1, forWorker: 0 });
        expect(await stores.queued('q')).toEqual([...all.slice(650), ...left]);
      },
    );

    it('keeps no other waiting where no place is free', async () => {
      await stores.produce('q', ...['a', 'b', 'c'].map(once), healthy('d'));
      await stores.produce('other', once('e'), healthy('f'));

      const reply = await stores.worker().sync({ reserve: from(['q', 'other'], 5, { ...busy, suspects: 0 }) });

      expect(classes(texts(reply.jobs))).toEqual(['d', 'f']);
      expect(reply).toMatchObject({ more: false, passedOver: { forPlace: 4, forWorker: 0 } });
      expect(await queued('q')).toEqual(['a', 'b', 'c']);
      expect(await queued('other')).toEqual(['e']);
    });
  });

  describe.each(spaces)('of two deaths, behind the white space %j', (space) => {
    const twice = (name: string) => space + suspect(name, 2);

    it('is passed over by a worker that has others, however many places are free', async () => {
      await stores.produce('q', twice('a'), healthy('b'), twice('c'), healthy('d'));

      const reply = await stores.worker().sync({ reserve: from('q', 10, busy) });

      expect(classes(texts(reply.jobs))).toEqual(['b', 'd']);
      expect(reply).toMatchObject({ more: false, alone: false, passedOver: { forPlace: 0, forWorker: 2 } });
      expect(await stores.queued('q')).toEqual([twice('a'), twice('c')]);
    });

    it('comes after the healthy ones and those of one death, of all queues', async () => {
      await stores.produce('q', twice('a'), healthy('b'));
      await stores.produce('other', twice('c'), suspect('d', 1));
      const worker = stores.worker();

      const first = await worker.sync({ reserve: from(['q', 'other'], 10) });
      expect(classes(texts(first.jobs))).toEqual(['b', 'd']);
      expect(first).toMatchObject({ alone: false, passedOver: { forWorker: 2 } });

      const second = await worker.sync({ settle: first.jobs.map(done), reserve: from(['q', 'other'], 10) });
      expect(texts(second.jobs)).toEqual([twice('a')]);
      expect(second).toMatchObject({ alone: true, passedOver: { forWorker: 1 } });
      expect(await stores.queued('q')).toEqual([]);
      expect(await stores.queued('other')).toEqual([twice('c')]);
    });

    it('comes before all others where it has waited long, from the head and from the tail', async () => {
      await stores.produce(
        'q',
        healthy('a'),
        twice('b'),
        ...Array.from({ length: 300 }, () => healthy('c')),
        twice('d'),
      );
      const worker = stores.worker();
      const first = await worker.sync({ reserve: from('q', 10, { alone: 'first' }) });
      expect(texts(first.jobs)).toEqual([twice('b')]);
      expect(first.alone).toBe(true);

      const second = await worker.sync({ settle: first.jobs.map(done), reserve: from('q', 10, { alone: 'first' }) });
      expect(texts(second.jobs)).toEqual([twice('d')]);

      const third = await worker.sync({ settle: second.jobs.map(done), reserve: from('q', 10, { alone: 'first' }) });
      expect(classes(texts(third.jobs))).toEqual(['a', ...Array.from({ length: 9 }, () => 'c')]);
      expect(third.alone).toBe(false);
    });

    it('is answered again as alone, where the first answer was lost', async () => {
      await stores.produce('q', twice('a'), twice('b'));
      const worker = stores.worker();
      const request = worker.next({ reserve: from('q', 10) });

      const first = await worker.send(request);
      const again = await worker.send(request);

      expect(first).toMatchObject({ alone: true });
      expect(again).toMatchObject({ alone: true, jobs: [{ seq: 0 }] });
      expect(again.jobs).toEqual(first.jobs);
    });

    it('goes back with the death that its worker foresaw', async () => {
      await stores.produce('q', space + healthy('a'));
      const worker = stores.worker();
      const raw = await worker.takeOne('q');
      const record = { id: 'a', attempts: 0, deaths: 2 };

      await worker.sync({ settle: [{ ...release(raw), outcome: { kind: 'release', to: 'tail', record } }] });

      expect(await stores.queued('q')).toEqual([twice('a')]);
    });
  });

  it('of three deaths comes like any other: its worker knows what becomes of it', async () => {
    await stores.produce('q', suspect('a', 3), suspect('b', 3), healthy('c'));

    const reply = await stores.worker().sync({ reserve: from('q', 10, { ...busy, suspects: 0 }) });

    expect(classes(texts(reply.jobs))).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['one that is not ours', `{"lambdesque":{"deaths":2,"id":"x","attempts":0},"class":"a","args":[]}`],
    ['one that is nested', `{"class":"a","args":[{"lambdesque":{"id":"x","attempts":0,"deaths":2}}]}`],
    ['more deaths than anybody can count', suspect('a', 99_999_999_999)],
  ])('is no job with a record that is %s', async (_, payload) => {
    await stores.produce('q', payload, healthy('b'));

    expect(texts(await stores.worker().take('q'))).toEqual([payload, healthy('b')]);
  });

  it('is each job that a dead worker had reserved, at the tail behind those that it had not', async () => {
    await stores.produce('q', ...['a', 'b', 'c', 'd'].map(healthy));
    await stores.worker().take('q', 2);
    await stores.reclaimAfter(LEASE);

    const reply = await stores.worker().sync({ reserve: from('q', 10, { ...busy, suspects: 0 }) });

    expect(classes(texts(reply.jobs))).toEqual(['c', 'd']);
    expect(reply.passedOver.forPlace).toBe(2);
  });

  it('costs three workers, one after the other, and no job that came with it', async () => {
    await stores.produce('q', ...['poison', 'a', 'b', 'c'].map(healthy));
    const deaths: number[] = [];
    for (let round = 0; round < 20; round++) {
      const worker = stores.worker();
      const { jobs } = await worker.sync({ reserve: from('q', 10, { suspects: 2 }) });
      const poison = jobs.find((raw) => raw.text?.includes('poison'));
      if (!poison) {
        await worker.sync({ settle: jobs.map(done) });
        if (jobs.length === 0) break;
      } else {
        const record = unsplice(poison.text ?? '').record;
        if (record?.deaths === 3) {
          await worker.sync({ settle: jobs.map(done) });
          deaths.push(3);
          continue;
        }
        if (record?.deaths === 2) expect(jobs).toHaveLength(1);
        deaths.push(record?.deaths ?? 0);
        await stores.reclaimAfter(LEASE);
      }
    }
    expect(deaths).toEqual([0, 1, 2, 3]);
    expect(await stores.queued('q')).toEqual([]);
    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('4');
  });

  describe('in a serial queue', () => {
    const serial = (rest = {}) => fromSerial('s', 10, rest);

    it('of one death is waited for where it stands, until it can start', async () => {
      await stores.produce('s', suspect('a', 1), healthy('b'));
      const worker = stores.worker();

      const full = await worker.sync({ reserve: serial({ ...busy, suspects: 0 }) });
      expect(full).toMatchObject({ jobs: [], passedOver: { forPlace: 1 } });
      expect(await queued('s')).toEqual(['a', 'b']);

      const free = await worker.sync({ reserve: serial({ ...busy, suspects: 1 }) });
      expect(classes(texts(free.jobs))).toEqual(['a', 'b']);
    });

    it('of one death is not taken behind others of its queue, since it could not start', async () => {
      await stores.produce('s', healthy('a'), suspect('b', 1), healthy('c'));
      const worker = stores.worker();

      const first = await worker.sync({ reserve: serial() });
      expect(classes(texts(first.jobs))).toEqual(['a']);
      const second = await worker.sync({ reserve: serial() });
      expect(second, 'the first one still runs').toMatchObject({ jobs: [] });
      const third = await worker.sync({ settle: first.jobs.map(done), letGo: ['s'], reserve: serial() });
      expect(classes(texts(third.jobs))).toEqual(['b', 'c']);
    });

    it('of two deaths keeps its order, and keeps no other queue waiting', async () => {
      await stores.produce('s', suspect('a', 2), healthy('b'));
      await stores.produce('q', healthy('c'));
      const worker = stores.worker();
      const shares = [
        { queue: 's', limit: 10, serial: true },
        { queue: 'q', limit: 10 },
      ];

      const first = await worker.sync({ reserve: from([], 10, { shares }) });
      expect(classes(texts(first.jobs))).toEqual(['c']);
      expect(first.passedOver).toEqual({ forPlace: 0, forWorker: 1 });
      expect(await queued('s')).toEqual(['a', 'b']);

      const second = await worker.sync({ settle: first.jobs.map(done), reserve: from([], 10, { shares }) });
      expect(classes(texts(second.jobs))).toEqual(['a']);
      expect(second.alone).toBe(true);
      expect(await queued('s')).toEqual(['b']);
      expect(await stores.db.hget(stores.keys.serial, 's')).toBe(worker.id);
    });

    it('of two deaths that has waited long comes first only from the head', async () => {
      await stores.produce('s', healthy('a'), suspect('b', 2));
      const worker = stores.worker();

      const first = await worker.sync({ reserve: serial({ alone: 'first' }) });
      expect(classes(texts(first.jobs))).toEqual(['a']);
      const second = await worker.sync({
        settle: first.jobs.map(done),
        letGo: ['s'],
        reserve: serial({ alone: 'first' }),
      });
      expect(classes(texts(second.jobs))).toEqual(['b']);
      expect(second.alone).toBe(true);
    });
  });
});
