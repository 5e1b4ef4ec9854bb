import { describe, expect, onTestFinished, test } from 'vitest';
import type { Script } from '../demo-smtp/script.ts';
import { ENGINES } from '../storage/testing.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { connectServer } from '../testing/servers.ts';
import { testApp } from '../testing/test-app.ts';
import { fakeServer } from '../transport/testing.ts';

const DAY = 24 * 60 * 60_000;
const ANN = 'ann@example.org';
const refusing = (reply: string): Script => [{ stage: 'rcpt', fault: { reply }, match: { rcpt: ANN } }];
const FULL = refusing('452 4.2.2 The mailbox is full');
const GREYLISTED = refusing('450 4.2.0 Greylisted, try again later');

describe.each(ENGINES)('an address on $engine', ({ engine }) => {
  async function setting(script: Script) {
    const clock = new FakeClock();
    const app = await testApp({ clock, engine });
    onTestFinished(() => app.stop());
    const smtp = await fakeServer({ security: 'none' });
    await connectServer(app, smtp, { name: 'One' });
    // Those of one day are over the next.
    const note = { slug: 'note', subject: 's', html: '<p>x</p>', ttl: 3_600 };
    expect((await app.call('POST', '/v1/templates', note)).status).toBe(201);
    smtp.setScript(script);
    return {
      app,
      smtp,
      pass: (ms: number) => {
        clock.advance(ms);
        app.app.nudge();
      },
      send: async (...ends: string[]) => {
        const { body } = await app.call('POST', '/v1/messages', { rcpt: ANN, templateSlug: 'note' });
        return app.until(body.id, ...ends);
      },
      block: async () => {
        const { status, body } = await app.call('GET', `/v1/suppressions/${ANN}`);
        return status === 404 ? undefined : body;
      },
    };
  }

  test('whose mailbox was full for three messages is blocked for thirty days', async () => {
    const { app, smtp, pass, send, block } = await setting(FULL);
    const first = await send('deferred');
    pass(2 * 60_000);
    // The retries of one message count once.
    await app.untilTrue(
      async () => (await app.call('GET', `/v1/messages/${first.id}`)).body.attempts.length === 2,
    );
    await send('deferred');
    expect(await block()).toBeUndefined();
    await send('deferred');
    const found = await block();
    expect(found).toMatchObject({ reason: 'bounce', code: 'mailbox_full', server: { name: 'One' } });
    expect(Date.parse(found.until) - Date.parse(found.since)).toBe(30 * DAY);
    expect((await app.call('GET', `/v1/contacts/${ANN}`)).body.bouncedAt ?? null).toBeNull();

    pass(10 * 60_000);
    const waited = await app.until(first.id, 'blocked');
    expect(waited.reason).toMatch(/is blocked since .+ until .+: its mailbox was full again and again\.$/);
    expect((await send('blocked')).attempts).toEqual([]);

    smtp.setScript([]);
    pass(30 * DAY);
    await send('sent');
  });

  test('that was refused on five days, and got nothing between, is blocked for thirty days', async () => {
    const { pass, send, block } = await setting(GREYLISTED);
    for (let day = 1; day <= 4; day++) {
      await send('deferred');
      expect(await block()).toBeUndefined();
      pass(DAY);
    }
    const { id } = await send('deferred');
    expect(await block()).toMatchObject({ reason: 'bounce', code: 'greylisted', message: id });
  });

  test('that got a message between is not', async () => {
    const { smtp, pass, send, block } = await setting(GREYLISTED);
    for (let day = 1; day <= 6; day++) {
      await send('deferred');
      if (day === 3) {
        smtp.setScript([]);
        await send('sent');
        smtp.setScript(GREYLISTED);
      }
      pass(DAY);
    }
    expect(await block()).toBeUndefined();
  });

  test.each([
    ['554 5.7.1 Message refused as spam', 'failed'],
    ['451 4.3.0 Temporary system problem', 'deferred'],
    ['450 4.7.1 Too many messages, slow down', 'deferred'],
  ])('is never blocked for %s', async (reply, end) => {
    const { pass, send, block } = await setting(refusing(reply));
    for (let day = 1; day <= 6; day++) {
      await send(end);
      pass(DAY);
    }
    expect(await block()).toBeUndefined();
  });
});
