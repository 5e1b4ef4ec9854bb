import { describe, expect, test } from 'vitest';
import { eximSighting, fieldsSighting, namesMessages, postfixSighting, textFields } from './sightings.ts';

const ID = `msg_${'0'.repeat(25)}1`;
const MESSAGE_ID = `${ID}.0a1b2c3d@example.com`;

describe('a line of Postfix', () => {
  const HEAD = 'Nov 23 12:00:01 mail postfix';
  test.each<[string, object | undefined]>([
    [
      `${HEAD}/cleanup[123]: 3F2A11C0D2: message-id=<${MESSAGE_ID}>`,
      { queueId: '3F2A11C0D2', messageId: MESSAGE_ID },
    ],
    [
      `2026-11-23T12:00:01.123456+00:00 mail postfix/qmgr[5]: 4XyzTr1bQpz2m: from=<a@example.com>, size=9, nrcpt=1 (queue active)`,
      { queueId: '4XyzTr1bQpz2m', arrived: true },
    ],
    [
      `${HEAD}/submission/smtpd[9]: 3F2A11C0D2: client=localhost[127.0.0.1], orig_queue_id=AAAAAAAA01, orig_client=x`,
      { queueId: '3F2A11C0D2', again: true },
    ],
    [
      `${HEAD}/smtp[7]: 3F2A11C0D2: to=<Ann@Example.org>, relay=mx[192.0.2.1]:25, dsn=2.0.0, status=sent (250 ok)`,
      { queueId: '3F2A11C0D2', rcpt: 'ann@example.org' },
    ],
    [
      `${HEAD}/local[7]: 3F2A11C0D2: to=<box@mail>, orig_to=<ann@example.org>, relay=local, status=sent`,
      { queueId: '3F2A11C0D2', rcpt: 'ann@example.org' },
    ],
    [
      `${HEAD}/cleanup[1]: 3F2A11C0D2: info: header X-Mailwright-ID: ${ID} from localhost[127.0.0.1]; from=<a@b>`,
      { queueId: '3F2A11C0D2', xId: ID },
    ],
    [`${HEAD}/qmgr[5]: 3F2A11C0D2: removed`, undefined],
    [`${HEAD}/smtpd[9]: connect from localhost[127.0.0.1]`, undefined],
    ['Nov 23 12:00:01 mail sshd[1]: Accepted publickey', undefined],
  ])('%s', (line, sighting) => {
    expect(postfixSighting(line)).toEqual(sighting);
  });
});

describe('a line of Exim', () => {
  test.each<[string, object | undefined]>([
    [
      `2026-11-23 12:00:01 1tExam-000000012Ab-3cDe <= a@example.com H=(x) [127.0.0.1] P=esmtp S=800 id=${MESSAGE_ID}`,
      { queueId: '1tExam-000000012Ab-3cDe', arrived: true, messageId: MESSAGE_ID },
    ],
    [
      `2026-11-23 12:00:01.123 +0100 [77] 1tExam-0001ab-Cd => ann <Ann@example.org> R=local T=maildir`,
      { queueId: '1tExam-0001ab-Cd', rcpt: 'ann@example.org' },
    ],
    [
      '2026-11-23 12:00:01 1tExam-0001ab-Cd ** ann@example.org R=dnslookup: unknown user',
      { queueId: '1tExam-0001ab-Cd', rcpt: 'ann@example.org' },
    ],
    ['2026-11-23 12:00:01 1tExam-0001ab-Cd Completed', undefined],
    ['2026-11-23 12:00:01 exim 4.97 daemon started', undefined],
  ])('%s', (line, sighting) => {
    expect(eximSighting(line)).toEqual(sighting);
  });
});

describe('a row of an export', () => {
  const row = (fields: object) => fieldsSighting(textFields(fields));

  test.each<[string, object, object | undefined]>([
    ['our header', { 'X-Mailwright-ID': ID, status: 'delivered' }, { arrived: true, xId: ID }],
    [
      'Message-ID and queue id',
      { 'Message-ID': `<${MESSAGE_ID}>`, 'Queue ID': 'ABC', Recipient: 'Ann@example.org' },
      { arrived: true, messageId: MESSAGE_ID, queueId: 'ABC', rcpt: 'ann@example.org' },
    ],
    [
      'a notice of Amazon SES',
      {
        mail: {
          messageId: '0100018f-aaaa-000000',
          destination: ['ann@example.org'],
          headers: [{ name: 'X-Mailwright-ID', value: ID }],
        },
      },
      { arrived: true, queueId: '0100018f-aaaa-000000', rcpt: 'ann@example.org', xId: ID },
    ],
    [
      'an event of SendGrid',
      {
        email: 'ann@example.org',
        'smtp-id': `<${MESSAGE_ID}>`,
        sg_message_id: 'filter-1',
        event: 'delivered',
        timestamp: 1,
      },
      { arrived: true, messageId: MESSAGE_ID, queueId: 'filter-1', rcpt: 'ann@example.org' },
    ],
    [
      'the surest of several names',
      { id: '7', messageId: 'abc', queue_id: 'Q' },
      { arrived: true, queueId: 'Q' },
    ],
    ['nothing of a message', { status: 'ok' }, undefined],
  ])('%s', (_, fields, sighting) => {
    expect(row(fields)).toEqual(sighting);
  });

  test('a header line is known by its names', () => {
    expect(namesMessages(['Date', 'Message ID'])).toBe(true);
    expect(namesMessages(['Date', 'Amount'])).toBe(false);
  });
});
