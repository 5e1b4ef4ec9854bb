import { simpleParser } from 'mailparser';
import nodemailer from 'nodemailer';
import MailComposer from 'nodemailer/lib/mail-composer';
import { expect, onTestFinished, test } from 'vitest';
import { ENVELOPE, endpointFor, fakeServer, openSession, yes } from './testing.ts';

const MAIL = {
  from: 'Shop <shop@example.com>',
  to: 'Ann <ann@example.org>',
  subject: 'Your order №7 is on its way',
  messageId: '<7@example.com>',
  date: new Date(0),
  text: 'Dear Ann,\n.\n..\n.hidden\n\nGrüße',
  html: '<p>Dear Ann,</p>\n<p>.</p>',
  attachments: [{ filename: 'order.csv', content: 'id;sum\n.7;9\n' }],
};

test('nodemailer and we leave the same message at the server', async () => {
  const server = await fakeServer({ security: 'starttls', users: { demo: 'demo-password' } });
  const raw = await new MailComposer(MAIL).compile().build();

  const peer = nodemailer.createTransport({
    host: server.host,
    port: server.port,
    requireTLS: true,
    auth: { user: 'demo', pass: 'demo-password' },
    tls: { ca: [server.caPem] },
  });
  onTestFinished(() => peer.close());
  await peer.sendMail({ envelope: { from: ENVELOPE.from, to: ENVELOPE.to }, raw });

  const endpoint = endpointFor(server, { security: 'starttls', username: 'demo', password: 'demo-password' });
  const session = await openSession(endpoint);
  expect(await session.send(ENVELOPE, raw, yes)).toMatchObject({ class: 'accepted' });

  const [theirs, ours] = server.ledger;
  expect(ours).toMatchObject({
    mailFrom: theirs!.mailFrom,
    rcpts: theirs!.rcpts,
    messageId: '<7@example.com>',
    tls: true,
  });
  expect(ours!.content.equals(theirs!.content)).toBe(true);
  const parsed = await simpleParser(ours!.content);
  expect(parsed.text?.trim()).toBe(MAIL.text);
  expect(parsed.subject).toBe(MAIL.subject);
  expect(parsed.attachments[0]?.content.toString()).toBe(MAIL.attachments[0]!.content);
});
