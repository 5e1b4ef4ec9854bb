import { simpleParser } from 'mailparser';
import { beforeEach, describe, expect, test } from 'vitest';
import { VersionCache } from '../templates/render.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { composeLetter } from './letter.ts';

let clock: FakeClock;
let running: TestApp;
beforeEach(async () => {
  clock = new FakeClock();
  running = await testApp({ start: false, clock });
  await running.call('POST', '/v1/contacts', { email: 'ann@example.org', plan: 'gold' });
  await running.call('POST', '/v1/templates', {
    slug: 'welcome',
    subject: 'Hi {{ name }}',
    html: '<p>{{ name }} has {{ plan }}</p>',
    preheader: 'For {{ name }}',
    from: 'Shop <shop@example.com>',
    replyTo: 'help@example.com',
  });
  return () => running.stop();
});

const send = async (changed: object = {}) =>
  (
    await running.call('POST', '/v1/messages', {
      rcpt: 'ann@example.org',
      templateSlug: 'welcome',
      variables: { name: 'Ann' },
      headers: { 'X-Campaign': 'spring' },
      attachments: [{ filename: 'a.txt', content: Buffer.from('hello').toString('base64') }],
      ...changed,
    })
  ).body;

/** Composed as a worker does that has just started: nothing is remembered. */
const letter = async (id: string) => {
  const { db } = running.app;
  const row = await db.read.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  return composeLetter(db, new VersionCache(), row);
};

test('a letter holds what was asked for', async () => {
  const { id } = await send();
  const mail = await simpleParser((await letter(id)).content);
  expect(mail.subject).toBe('Hi Ann');
  expect(mail.from!.text).toBe('"Shop" <shop@example.com>');
  expect(mail.replyTo!.text).toBe('help@example.com');
  expect(mail.html).toContain('Ann has gold');
  expect(mail.text).toContain('Ann has gold');
  expect(mail.headers.get('x-campaign')).toBe('spring');
  expect(mail.date).toEqual(new Date(clock.now()));
  expect(mail.attachments.map((one) => [one.filename, one.content.toString()])).toEqual([['a.txt', 'hello']]);
});

test('answers go where the message says, else where its template says', async () => {
  const replyTo = async (changed: object) =>
    (await simpleParser((await letter((await send(changed)).id)).content)).replyTo?.text;
  expect(await replyTo({})).toBe('help@example.com');
  expect(await replyTo({ replyTo: 'Own <own@example.com>' })).toBe('"Own" <own@example.com>');
});

test('is the same bytes however often it is made, and whatever changed meanwhile', async () => {
  const { id } = await send();
  const before = await letter(id);
  clock.advance(3_600_000);
  await running.call('PATCH', '/v1/templates/welcome', {
    subject: 'New',
    html: '<p>New</p>',
    from: 'new@example.com',
    replyTo: null,
  });
  await running.call('POST', '/v1/contacts', { email: 'ann@example.org', plan: 'none' });
  await running.call('PATCH', '/v1/workspace', { defaultFrom: 'other@example.com' });
  expect((await letter(id)).content.equals(before.content)).toBe(true);
  await running.call('DELETE', '/v1/templates/welcome');
  await running.call('DELETE', '/v1/contacts/ann@example.org');
  const after = await letter(id);
  expect(after.content.equals(before.content)).toBe(true);
  expect(after.bodyHash).toBe(before.bodyHash);
});

describe('the hash of a letter', () => {
  const LINES = 'A line of the template, which is the same in each of its letters.\n'.repeat(20);
  const version = { subject: 'Hi {{ name }}', html: `<p>{{ name }}</p>\n${LINES}<p>{{ plan }}</p>\n` };
  const content = {
    variables: { name: 'Ann', plan: 'gold' },
    to: ['ann@example.org'],
    cc: [],
    headers: { 'X-Campaign': 'spring' },
    date: 0,
  };
  /** Made as by a process that has just started. */
  const hashOf = async (changed: object = {}, changedVersion: object = {}, hasAttachments = false) => {
    const { db } = running.app;
    const { id } = await send();
    const row = await db.read
      .selectFrom('messages')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const versions = new VersionCache();
    versions.prepared(row.template_version_id!, { ...version, ...changedVersion });
    const same = { ...row, id: 'msg_1', message_id_header: 'msg_1@example.com' };
    const letter = await composeLetter(
      db,
      versions,
      { ...same, content: JSON.stringify({ ...content, ...changed }) },
      hasAttachments,
    );
    return letter.bodyHash;
  };

  test('is the same for the same letter', async () => {
    expect(await hashOf()).toBe(await hashOf());
  });

  test.each<[string, Parameters<typeof hashOf>]>([
    ['a value', [{ variables: { name: 'Ann', plan: 'gold ' } }]],
    ['a value that stands elsewhere', [{ variables: { name: 'gold', plan: 'Ann' } }]],
    ['a header', [{ headers: { 'X-Campaign': 'summer' } }]],
    ['a line of the template', [{}, { html: version.html.replace('same', 'some') }]],
    ['a line of the template less', [{}, { html: version.html.replace(LINES, LINES.slice(66)) }]],
    ['the text of the template around a value', [{}, { html: version.html.replaceAll('p>', 'b>') }]],
    ['an attachment', [{}, {}, true]],
  ])('is another with %s', async (_, changed) => {
    expect(await hashOf(...changed)).not.toBe(await hashOf());
  });
});

test('a new message is made of what is there now', async () => {
  await running.call('PATCH', '/v1/templates/welcome', { html: '<p>New</p>' });
  const mail = await simpleParser((await letter((await send()).id)).content);
  expect(mail.html).toContain('New');
});

test('siblings get the same letter, which names the cc and never the bcc', async () => {
  const { id, siblings } = await send({ cc: ['bob@example.org'], bcc: ['eve@example.org'] });
  const letters = await Promise.all([id, ...siblings].map(letter));
  const mails = await Promise.all(letters.map((one) => simpleParser(one.content)));
  expect(new Set(mails.map((mail) => mail.messageId)).size).toBe(1);
  for (const [at, mail] of mails.entries()) {
    expect(mail.cc).toMatchObject({ text: 'bob@example.org' });
    expect(letters[at]!.content.includes('eve@example.org')).toBe(false);
    expect(mail.attachments).toHaveLength(1);
  }
  // Only our own header, which names each message, may differ.
  const without = letters.map((one) => one.content.toString().replace(/^X-Mailwright-ID: .*\r\n/m, ''));
  expect(new Set(without).size).toBe(1);
});

test('a scheduled message carries the date of its time', async () => {
  const { id } = await send({ sendAt: '2026-12-24T18:00:00Z' });
  expect((await simpleParser((await letter(id)).content)).date).toEqual(new Date('2026-12-24T18:00:00Z'));
});

test('a message sent again is the same letter under another Message-ID', async () => {
  const { id } = await send();
  await running.app.db.write((tx) => tx.updateTable('messages').set({ state: 'sent' }).execute());
  const again = (await running.call('POST', `/v1/messages/${id}/resend`)).body.id;
  const [first, second] = [
    await simpleParser((await letter(id)).content),
    await simpleParser((await letter(again)).content),
  ];
  expect([second.subject, second.html, second.text]).toEqual([first.subject, first.html, first.text]);
  expect(second.attachments).toHaveLength(1);
  expect(second.messageId).not.toBe(first.messageId);
});

test('what was forgotten cannot be made again', async () => {
  const { id } = await send();
  await running.app.db.write((tx) => tx.updateTable('messages').set({ content: null }).execute());
  await expect(letter(id)).rejects.toThrow('forgotten');
});
