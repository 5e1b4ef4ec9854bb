import { beforeAll, describe, expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';

const INLINE = { rcpt: 'ann@example.org', subject: 'Hello', text: 'Hello Ann' };

let running: TestApp;
beforeAll(async () => {
  running = await testApp({ start: false, clock: new FakeClock() });
  return () => running.stop();
});

const send = (body: object) => running.call('POST', '/v1/messages', body);
const stored = async () =>
  (
    await Promise.all(
      (['messages', 'events', 'attachments', 'idempotency_keys'] as const).map((table) =>
        running.app.db.read.selectFrom(table).selectAll().execute(),
      ),
    )
  ).flat();

describe('what is wrong is named, and nothing is stored', () => {
  test.each<[object, number, string, string]>([
    // Who receives.
    [{ rcpt: undefined }, 422, 'to_required', 'rcpt'],
    [{ rcpt: '' }, 422, 'to_required', 'rcpt'],
    [{ rcpt: undefined, to: ' ' }, 422, 'to_required', 'to'],
    [{ rcpt: ['ann@example.org'] }, 422, 'address_invalid', 'rcpt'],
    [{ to: 'bob@example.org' }, 422, 'choose_one', 'to'],
    [{ rcpt: 'ann' }, 422, 'address_invalid', 'rcpt'],
    [{ rcpt: 'a@example.org, b@example.org' }, 422, 'one_address', 'rcpt'],
    [{ rcpt: 'root@localhost' }, 422, 'domain_not_routable', 'rcpt'],
    [{ cc: ['bob@example.org', 'bad'] }, 422, 'address_invalid', 'cc[1]'],
    [{ bcc: ['bad'] }, 422, 'address_invalid', 'bcc[0]'],
    [{ cc: Array.from({ length: 50 }, (_, at) => `c${at}@example.org`) }, 422, 'too_many_recipients', 'cc'],
    // What it says.
    [{ subject: undefined, text: undefined }, 422, 'body_required', 'templateSlug'],
    [{ text: undefined }, 422, 'body_required', 'templateSlug'],
    [{ text: '', html: '' }, 422, 'body_required', 'templateSlug'],
    [{ templateSlug: 'welcome' }, 422, 'choose_one', 'templateSlug'],
    [{ subject: undefined }, 422, 'subject_required', 'subject'],
    [{ subject: ' ' }, 422, 'subject_required', 'subject'],
    [{ subject: 'a\r\nBcc: x@example.com' }, 422, 'control_character', 'subject'],
    [{ subject: 'x'.repeat(999) }, 422, 'subject_too_long', 'subject'],
    [
      { subject: undefined, text: undefined, templateSlug: 'unknown' },
      404,
      'template_not_found',
      'templateSlug',
    ],
    // Who sends.
    [{ from: 'nobody' }, 422, 'address_invalid', 'from'],
    [{ from: 'a@example.com, b@example.com' }, 422, 'one_from', 'from'],
    [{ from: 'Shop\r\nBcc: x <a@example.com>' }, 422, 'control_character', 'from'],
    [{ replyTo: 'nobody' }, 422, 'address_invalid', 'replyTo'],
    [{ server: 'srv_unknown' }, 404, 'server_not_found', 'server'],
    // The rest.
    [{ headers: { Bcc: 'x@example.com' } }, 422, 'header_not_allowed', 'headers.Bcc'],
    [{ headers: { 'X-A': 1 } }, 422, 'header_invalid', 'headers.X-A'],
    [
      { attachments: [{ filename: 'a.txt', content: '%%%' }] },
      422,
      'attachment_encoding',
      'attachments[0].content',
    ],
    [
      { attachments: [{ filename: 'a.txt', path: '/etc/passwd' }] },
      422,
      'unknown_field',
      'attachments[0].path',
    ],
    [{ attachments: 'a.txt' }, 422, 'attachments_invalid', 'attachments'],
    [{ variables: 'x' }, 422, 'variables_invalid', 'variables'],
    [{ tags: [''] }, 422, 'tags_invalid', 'tags.0'],
    [{ tags: Array(21).fill('x') }, 422, 'tags_invalid', 'tags'],
    [{ metadata: [] }, 422, 'metadata_invalid', 'metadata'],
    [{ type: 'spam' }, 422, 'field_invalid', 'type'],
    [{ sendAT: '2027-01-01T00:00:00Z' }, 422, 'unknown_field', 'sendAT'],
    [{ varibles: {} }, 422, 'unknown_field', 'varibles'],
  ])('%j → %i %s at %s', async (changed, status, code, field) => {
    const answer = await send({ ...INLINE, ...changed });
    expect([answer.status, answer.body.error?.code, answer.body.error?.field]).toEqual([status, code, field]);
    expect(await stored()).toEqual([]);
  });

  test.each<[unknown, string]>([
    ['2026-11-23T13:00:00', 'zone_required'],
    ['2026-02-30T12:00:00Z', 'date_invalid'],
    ['2027-02-29T12:00:00Z', 'date_invalid'],
    ['2027-13-01T12:00:00Z', 'date_invalid'],
    ['2027-01-01T25:00:00Z', 'date_invalid'],
    ['2027-01-01', 'date_invalid'],
    ['tomorrow', 'date_invalid'],
    ['', 'date_invalid'],
    [1795435200000, 'date_invalid'],
    ['2028-11-23T12:00:00Z', 'too_far'],
    ['2026-11-23T10:59:59Z', 'send_at_past'],
    ['1970-01-01T00:00:00Z', 'send_at_past'],
  ])('sendAt %j → %s', async (sendAt, code) => {
    const { status, body } = await send({ ...INLINE, sendAt });
    expect([status, body.error.code, body.error.field]).toEqual([422, code, 'sendAt']);
    expect(await stored()).toEqual([]);
  });
});
