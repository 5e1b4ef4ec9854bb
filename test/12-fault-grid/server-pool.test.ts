import { beforeEach, expect, test } from 'vitest';
import type { Script } from '../../src/demo-smtp/script.ts';
import { arrived, Mailing } from './mailing.ts';

// Several servers of one workspace, and what becomes of messages while some of them fail.

/** Its port stays taken: another program's server there would get the mail. */
const DOWN: Script = [{ stage: 'accept', fault: 'refuse' }];

let mailing: Mailing;
beforeEach(async () => {
  mailing = new Mailing();
  await mailing.start();
  return () => mailing.end();
});

async function template(server: string, failover: 'strict' | 'any'): Promise<void> {
  const note = { slug: `note-${failover}`, subject: 'Note', html: '<p>Note</p>' };
  const { status } = await mailing.program.call('POST', '/v1/templates', { ...note, server, failover });
  expect(status).toBe(201);
}
const note = (rcpt: string, failover: 'strict' | 'any') =>
  mailing.send(rcpt, { templateSlug: `note-${failover}`, subject: undefined, text: undefined });

test('the preferred server is down: a message that may goes elsewhere, one that may not waits for it', async () => {
  const [preferred, other] = [await mailing.connect(), await mailing.connect()];
  await template(preferred.id, 'any');
  await template(preferred.id, 'strict');
  preferred.smtp.setScript(DOWN);
  const free = await note('free@example.org', 'any');
  await mailing.passUntil([free], 'sent');
  const bound = await note('bound@example.org', 'strict');
  await mailing.passUntil([bound], 'deferred');
  expect(arrived(other.smtp)).toEqual([free]);

  preferred.smtp.setScript([]);
  mailing.rest();
  await mailing.passUntil([bound], 'sent');
  expect([arrived(preferred.smtp), arrived(other.smtp)]).toEqual([[bound], [free]]);
});

test('all servers are down: everything waits, and goes out once when one is back', async () => {
  const [first, second] = [await mailing.connect(), await mailing.connect()];
  for (const { smtp } of [first, second]) smtp.setScript(DOWN);
  const ids = await mailing.sendMany(20);
  await mailing.passUntil(ids.slice(0, 2), 'deferred');
  second.smtp.setScript([]);
  mailing.rest();
  await mailing.passUntil(ids, 'sent');
  expect(arrived(first.smtp)).toEqual([]);
  expect(arrived(second.smtp)).toEqual([...ids].sort());
});

test('the password of one is wrong: the others carry all, and it rests until a person looks', async () => {
  const [wrong, right] = [await mailing.connect(), await mailing.connect()];
  wrong.smtp.setScript([{ stage: 'auth', fault: '5xx' }]);
  const ids = await mailing.sendMany(50);
  await mailing.passUntil(ids, 'sent');
  expect(arrived(right.smtp)).toEqual([...ids].sort());
  expect(wrong.smtp.strikes).toBeGreaterThan(0);
  const { body } = await mailing.program.call('GET', `/v1/servers/${wrong.id}/health`);
  expect(body).toMatchObject({ status: 'waiting', code: 'auth_rejected' });
});

test('one is deleted while it answers: what it has counts once, what waits goes by another', async () => {
  const gate = Promise.withResolvers<void>();
  const script = [{ stage: 'dot' as const, fault: { delay: gate.promise } }];
  const doomed = await mailing.connect({ script }, { maxConnections: 2 });
  const ids = await mailing.sendMany(20);
  await doomed.smtp.until(() => doomed.smtp.strikes === 2);
  const other = await mailing.connect();
  expect((await mailing.program.call('DELETE', `/v1/servers/${doomed.id}`)).status).toBe(200);
  gate.resolve();
  await mailing.passUntil(ids, 'sent');
  expect(arrived(doomed.smtp, other.smtp)).toEqual([...ids].sort());
  expect(doomed.smtp.ledger.length).toBeGreaterThanOrEqual(2);
  for (const { xId } of doomed.smtp.ledger) expect((await mailing.record(xId!)).server.id).toBe(doomed.id);
});

test('one is edited while it answers: nothing goes twice, and what follows goes by the new settings', async () => {
  const gate = Promise.withResolvers<void>();
  const users = { demo: 'demo', second: 'other' };
  const script = [{ stage: 'dot' as const, fault: { delay: gate.promise }, count: 2 }];
  const { id, smtp } = await mailing.connect({ users, script }, { maxConnections: 2 });
  const ids = await mailing.sendMany(20);
  await smtp.until(() => smtp.strikes === 2);
  const changed = await mailing.program.call('PATCH', `/v1/servers/${id}`, {
    username: 'second',
    password: 'other',
  });
  expect(changed.status).toBe(200);
  gate.resolve();
  await mailing.passUntil(ids, 'sent');
  const later = await mailing.send('later@example.org');
  await mailing.passUntil([later], 'sent');
  expect(arrived(smtp)).toEqual([...ids, later].sort());
  expect(smtp.ledger.at(-1)).toMatchObject({ xId: later, user: 'second' });
  await smtp.until(() => smtp.connections <= 2); // those for the old settings are closed
});

test('one takes five a minute: all go out once, and never more than five to it in a minute', async () => {
  const cap = { cap: { count: 5, perMs: 60_000 } };
  const limited = await mailing.connect({ script: [{ stage: 'mail', fault: cap }] }, { maxConnections: 1 });
  const ids = await mailing.sendMany(20);
  await mailing.passUntil(ids, 'sent');
  expect(arrived(limited.smtp)).toEqual([...ids].sort());
  const times = limited.smtp.ledger.map(({ at }) => at);
  expect(times.filter((at, index) => index >= 5 && at - times[index - 5]! < 60_000)).toEqual([]);
});
