import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import type { FakeServer } from '../demo-smtp/server.ts';
import { storeServer } from '../servers/testing.ts';
import { ENGINES, testDb } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { connectServer, sendMany } from '../testing/servers.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { fakeServer } from '../transport/testing.ts';
import { Permits } from './permits.ts';

const MINUTE = 60_000;
/** A bucket of five a second has a token every 211 ms. */
const STEP = 250;

/** The program with one server, which counts by the same clock; on PostgreSQL two workers share the queue. */
describe.each(ENGINES)('a paced server on $engine', ({ engine }) => {
  async function setting(limits: object) {
    const clock = new FakeClock();
    const app = await testApp({ clock, engine });
    const apps = [app];
    if (engine === 'postgres') apps.push(await testApp({ clock, engine, dataDir: app.dataDir, known: app }));
    onTestFinished(async () => {
      for (const one of apps.toReversed()) await one.stop({ keep: one !== app });
    });
    const smtp = await fakeServer({ security: 'none', clock });
    const server = await connectServer(app, smtp, { name: 'One', limits });
    const pass = (ms: number) => {
      clock.advance(ms);
      for (const one of apps) one.app.nudge();
    };
    /** Either worker may settle what is waited for. */
    const untilTrue = (holds: () => Promise<boolean>) =>
      Promise.race(apps.map((one) => one.untilTrue(holds)));
    return {
      app,
      smtp,
      server,
      pass,
      untilTrue,
      untilSent: async (ids: readonly string[]) => {
        for (const id of ids) await untilTrue(async () => (await read(app, id)).status === 'sent');
      },
      /** Goes on in small steps until the server has so many messages. */
      async upTo(count: number) {
        await smtp.waitFor(smtp.ledger.length === 0 ? 1 : smtp.ledger.length);
        while (smtp.ledger.length < count) {
          const next = smtp.ledger.length + 1;
          pass(STEP);
          await smtp.waitFor(next);
        }
      },
    };
  }

  test('gets at most its messages of every second, and all of them in the end', async () => {
    const { app, smtp, upTo, untilSent } = await setting({ perSecond: 5 });
    const ids = await sendMany(app, 15);
    await upTo(15);
    await untilSent(ids);
    expect(mostInSecond(smtp)).toBeLessThanOrEqual(5);
    expect(smtp.ledger.map((entry) => entry.xId).sort()).toEqual(ids.toSorted());
  });

  test('has a backlog that stands still: a message is taken when it may go', async () => {
    const { app, upTo } = await setting({ perSecond: 5 });
    await sendMany(app, 200);
    await upTo(6);
    const rows = await app.app.db.read.selectFrom('messages').select('fence').execute();
    expect(rows.reduce((sum, row) => sum + row.fence, 0)).toBeLessThanOrEqual(7);
  });

  test('keeps nobody waiting who goes through another, and its own are written once', async () => {
    const { app, smtp, server, untilTrue, upTo } = await setting({ perSecond: 5 });
    const other = await fakeServer({ security: 'none' });
    await connectServer(app, other, { name: 'Two' });
    await sendMany(app, 60);
    await untilTrue(async () => {
      const words = await codes(app);
      return words.every((word) => word !== null) && smtp.ledger.length > 0;
    });
    const rows = await app.app.db.read.selectFrom('messages').select(['lane', 'state']).execute();
    const waiting = rows.filter((row) => row.lane === server && row.state === 'queued');
    expect(waiting.length).toBeGreaterThan(10);
    expect(other.ledger.length + smtp.ledger.length + waiting.length).toBe(60);
    await upTo(8);
    expect(mostInSecond(smtp)).toBeLessThanOrEqual(5);
    const claims = await app.app.db.read.selectFrom('messages').select('fence').execute();
    expect(claims.reduce((sum, row) => sum + row.fence, 0)).toBeLessThanOrEqual(60 + waiting.length + 2);
  });

  test('gets an urgent message first, also when others wait for longer', async () => {
    const { app, smtp, pass, untilTrue } = await setting({ perSecond: 1 });
    await sendMany(app, 5);
    await smtp.waitFor(1);
    await app.call('POST', '/v1/templates', {
      slug: 'code',
      subject: 's',
      html: '<p>x</p>',
      priority: 'high',
    });
    const [urgent] = await sendMany(app, 1, { subject: undefined, text: undefined, templateSlug: 'code' });
    await untilTrue(async () => (await read(app, urgent!)).code === 'waiting_turn');
    expect((await read(app, urgent!)).reason).toBe(
      'It waits for its turn at One, whose limits allow no more right now.',
    );
    pass(1_200);
    await smtp.waitFor(2);
    expect(smtp.ledger[1]!.xId).toBe(urgent);
  });

  test('whose limit of an hour is used up says until when, and goes on then', async () => {
    const { app, smtp, pass, untilTrue, untilSent } = await setting({ perHour: 3 });
    const ids = await sendMany(app, 5);
    await untilTrue(async () => (await codes(app)).filter((code) => code === 'waiting_turn').length === 2);
    const waiting = await Promise.all(ids.map((id) => read(app, id)));
    const reasons = waiting.filter((one) => one.status === 'queued').map((one) => one.reason);
    expect(reasons).toHaveLength(2);
    for (const reason of reasons) expect(reason).toMatch(/^The limit of One is used up until 20\d\d-.+Z\.$/);
    await smtp.waitFor(3);
    expect(smtp.ledger).toHaveLength(3);
    pass(59 * MINUTE);
    pass(7 * MINUTE);
    await untilSent(ids);
    expect(smtp.ledger).toHaveLength(5);
  });

  test('whose limit is raised goes on at once', async () => {
    const { app, server, pass, untilTrue, untilSent } = await setting({ perDay: 1 });
    const ids = await sendMany(app, 2);
    await untilTrue(async () => (await codes(app)).includes('waiting_turn'));
    pass(1);
    await app.call('PATCH', `/v1/servers/${server}`, { limits: { perDay: 2 } });
    pass(1);
    await untilSent(ids);
  });

  test('that asks to slow down gets half of what it took, and loses nothing', async () => {
    const { app, smtp, server, pass, upTo, untilTrue, untilSent } = await setting({});
    await untilSent(await sendMany(app, 10)); // ten in one second
    smtp.setScript([{ stage: 'mail', fault: { reply: '450 4.7.0 slow down' }, count: 1 }]);
    const [refused] = await sendMany(app, 1);
    await untilTrue(async () => (await read(app, refused!)).code === 'rate_limited');
    const { rate } = await app.app.db.read
      .selectFrom('servers')
      .select('rate')
      .where('id', '=', server)
      .executeTakeFirstOrThrow();
    expect(rate).toBe(5);
    const ids = await sendMany(app, 10);
    pass(6_000);
    await smtp.waitFor(11);
    await upTo(21);
    await untilSent([refused!, ...ids]);
    expect(mostInSecond(smtp, 10)).toBeLessThanOrEqual(5);
  });
});

test('credit that is used up comes back with a signal, sooner than the poll', async () => {
  const db = await testDb();
  await db.write((tx) =>
    tx
      .insertInto('workspaces')
      .values({ id: 'wsp_test', name: 'Test', routing: 'random', default_from: null, created_at: 0 })
      .execute(),
  );
  const server = await storeServer(db, { id: 'srv_1', limits: { perSecond: 20 } });
  let signal = () => {};
  const signaled = new Promise<void>((resolve) => {
    signal = resolve;
  });
  const permits = new Permits(db, () => signal());
  expect(await permits.ask(server, systemClock.now())).toBe(1);
  expect([permits.spend('srv_1', 'a'), permits.spend('srv_1', 'b')]).toEqual([true, false]);
  await signaled;
  expect(await permits.ask(server, systemClock.now())).toBe(1);
});

test('credit that is kept for a message is taken by no other, and free again when its turn ends', async () => {
  const db = await testDb();
  await db.write((tx) =>
    tx
      .insertInto('workspaces')
      .values({ id: 'wsp_test', name: 'Test', routing: 'random', default_from: null, created_at: 0 })
      .execute(),
  );
  const server = await storeServer(db, { id: 'srv_1', limits: { perDay: 2 } });
  const permits = new Permits(db, () => {});
  expect(await permits.ask(server, 0)).toBe(2);
  permits.reserve('srv_1', ['a', 'b']);
  expect(permits.spend('srv_1', 'c')).toBe(false);
  expect(permits.spend('srv_1', 'a')).toBe(true);
  permits.release('a');
  permits.release('b');
  expect([permits.spend('srv_1', 'c'), permits.spend('srv_1', 'd')]).toEqual([true, false]);
});

const read = async (app: TestApp, id: string) => (await app.call('GET', `/v1/messages/${id}`)).body;

async function codes(app: TestApp): Promise<(string | null)[]> {
  const { data } = (await app.call('GET', '/v1/messages?limit=200')).body;
  return data.map((one: { code: string | null }) => one.code);
}

/** The most messages of any second, wherever it begins, from the nth message on. */
function mostInSecond(smtp: FakeServer, from = 0): number {
  const times = smtp.ledger.slice(from).map((entry) => entry.at);
  return Math.max(...times.map((start) => times.filter((at) => at >= start && at < start + 1_000).length));
}
