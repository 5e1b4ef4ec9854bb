import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';

let running: TestApp;
beforeEach(async () => {
  running = await testApp({ start: false, clock: new FakeClock() });
  return () => running.stop();
});

const to = (rcpt: string, changed: object = {}) => ({ rcpt, subject: 'Hello', text: 'Hello', ...changed });
const batch = (messages: unknown) => running.call('POST', '/v1/messages/batch', { messages });
const stored = async () =>
  (await running.app.db.read.selectFrom('messages').select('rcpt').orderBy('id').execute()).map(
    (row) => row.rcpt,
  );

test('each message has its own result, in order; the wrong ones do not stop the others', async () => {
  const { status, body } = await batch([
    to('a@example.org'),
    to('bad'),
    'no object',
    to('b@example.org', { cc: ['c@example.org'], sendAt: '2026-12-24T12:00:00Z' }),
    to('d@example.org', { sendAT: 'x' }),
    { rcpt: 'e@example.org', templateSlug: 'unknown' },
    to('f@example.org'),
  ]);
  expect(status).toBe(202);
  const id = expect.stringMatching(/^msg_/);
  expect(body.results).toEqual([
    { id, status: 'queued', warnings: [] },
    { error: { code: 'address_invalid', message: expect.any(String), field: 'rcpt' } },
    { error: { code: 'invalid_json', message: expect.any(String) } },
    { id, status: 'scheduled', siblings: [id], warnings: [] },
    { error: { code: 'unknown_field', message: expect.any(String), field: 'sendAT' } },
    { error: { code: 'template_not_found', message: expect.any(String), field: 'templateSlug' } },
    { id, status: 'queued', warnings: [] },
  ]);
  expect(await stored()).toEqual(['a@example.org', 'b@example.org', 'c@example.org', 'f@example.org']);
});

test('warnings stand beside the message they are about', async () => {
  const { body } = await batch([
    to('a@gmial.com'),
    to('b@example.org', { campaign: 'x' }),
    to('c@example.org'),
  ]);
  expect(body.results.map((one: { warnings: string[] }) => one.warnings)).toEqual([
    [expect.stringContaining('domain_typo')],
    ['The field campaign is unknown and was ignored.'],
    [],
  ]);
});

test('when all are wrong, nothing is stored and each is told', async () => {
  const { status, body } = await batch([to('bad'), { subject: 'Hello', text: 'Hello' }]);
  expect(status).toBe(202);
  expect(body.results.map((one: { error: { code: string } }) => one.error.code)).toEqual([
    'address_invalid',
    'to_required',
  ]);
  expect(await stored()).toEqual([]);
});

test('far too many are refused before each is looked at', async () => {
  const { status, body } = await batch(Array(2_000_000).fill(0));
  expect([status, body.error.code]).toEqual([422, 'batch_too_large']);
}, 5_000);

test('500 are taken together, 501 are refused', async () => {
  const many = Array.from({ length: 501 }, (_, at) => to(`a${at}@example.org`));
  const refused = await batch(many);
  expect([refused.status, refused.body.error.code, refused.body.error.field]).toEqual([
    422,
    'batch_too_large',
    'messages',
  ]);
  expect(await stored()).toEqual([]);
  const taken = await batch(many.slice(1));
  expect(taken.body.results).toHaveLength(500);
  expect(await stored()).toEqual(many.slice(1).map((one) => one.rcpt));
});

test.each<[unknown, string]>([
  [[], 'messages_invalid'],
  [{}, 'messages_invalid'],
  ['x', 'messages_invalid'],
  [undefined, 'messages_invalid'],
])('%j is no batch', async (messages, code) => {
  const { status, body } = await batch(messages);
  expect([status, body.error.code, body.error.field]).toEqual([422, code, 'messages']);
});
