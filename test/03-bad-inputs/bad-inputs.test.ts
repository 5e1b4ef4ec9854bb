import { beforeAll, expect, test } from 'vitest';
import { type TestApp, testApp } from '../../src/testing/test-app.ts';

// Wrong inputs and what is answered to each: the status, the code, the field, a sentence; and nothing is stored.

interface Case {
  what: string;
  method?: string;
  path: string;
  /** A text is sent as it is; anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  answer: [status: number, code: string, field?: string];
  /** Part of the sentence. */
  says?: RegExp;
  /** Part of the detail. */
  detail?: object;
}

const MESSAGE = { rcpt: 'ann@example.org', subject: 'Hello', text: 'Hello' };
const SERVER = {
  type: 'generic',
  host: 'smtp.example.com',
  port: 587,
  username: 'shop',
  password: 'canary-secret',
};

const message = (what: string, changed: object, answer: Case['answer'], more: Partial<Case> = {}): Case => ({
  what,
  path: '/v1/messages',
  body: { ...MESSAGE, ...changed },
  answer,
  ...more,
});
const server = (what: string, changed: object, answer: Case['answer'], more: Partial<Case> = {}): Case => ({
  what,
  path: '/v1/servers',
  body: { ...SERVER, ...changed },
  answer,
  ...more,
});
const host = (given: string | null, code: string, says: RegExp, detail?: object): Case =>
  server(`host ${JSON.stringify(given).slice(0, 40)}`, { host: given }, [422, code, 'host'], {
    says,
    ...(detail ? { detail } : {}),
  });
const rcpt = (given: unknown, code: string): Case =>
  message(`rcpt ${JSON.stringify(given)?.slice(0, 40)}`, { rcpt: given }, [422, code, 'rcpt']);
const attachment = (what: string, given: object, answer: Case['answer']): Case =>
  message(
    `attachment ${what}`,
    { attachments: [{ filename: 'a.pdf', content: 'aGVsbG8=', ...given }] },
    answer,
  );
const header = (name: string, value: string, code: string): Case =>
  message(`header ${JSON.stringify(name)}`, { headers: { [name]: value } }, [422, code, `headers.${name}`]);
const bytes = (count: number) => Buffer.alloc(count, 7).toString('base64');

const CASES: Case[] = [
  // 1-6, 8, 9: the host of a server.
  host('https://smtp.gmail.com', 'host_invalid', /without https:\/\//, { suggestion: 'smtp.gmail.com' }),
  host('smtp.gmail.com:587', 'host_has_port', /own field/, { host: 'smtp.gmail.com', port: 587 }),
  host('', 'host_required', /Enter the server/),
  host('   ', 'host_required', /Enter the server/),
  host('smtp. gmail.com', 'host_invalid', /contains a space/, { suggestion: 'smtp.gmail.com' }),
  host('smtp.gmail.com\r\nQUIT', 'host_invalid', /line break/),
  host('user@smtp.example.com', 'host_invalid', /looks like an email address/),
  host('2130706433', 'host_invalid', /four numbers/),
  host('0x7f.1', 'host_invalid', /four numbers/),
  host(`${'a'.repeat(64)}.example.com`, 'host_invalid', /too long/),
  host(`${'abcdefgh.'.repeat(29)}com`, 'host_invalid', /too long/),
  // 7: private addresses, not allowed.
  server('host 127.0.0.1', { host: '127.0.0.1' }, [422, 'host_not_allowed', 'host'], {
    says: /private address/,
  }),
  server('host 10.0.0.5', { host: '10.0.0.5' }, [422, 'host_not_allowed', 'host'], {
    says: /"allowPrivate": true/,
  }),
  // 10, 11: its port.
  ...[0, -1, 70_000, 'abc', 587.5].map((port) =>
    server(`port ${port}`, { port }, [422, 'port_invalid', 'port'], { says: /1 to 65535/ }),
  ),
  ...[22, 993, 995, 143, 110].map((port) =>
    server(`port ${port}`, { port }, [422, 'port_not_smtp', 'port'], { says: /use 587 or 465/ }),
  ),
  // 16: half of the credentials.
  server('no password', { password: undefined }, [422, 'password_required', 'password']),
  server('no user name', { username: undefined }, [422, 'username_required', 'username']),
  // 28: the API key.
  { ...message('no API key', {}, [401, 'api_key_missing']), headers: { authorization: '' } }, // left out
  {
    ...message('half an API key', {}, [401, 'api_key_malformed']),
    headers: { authorization: 'Bearer mw_live_x' },
  },
  {
    ...message('a replaced API key', {}, [401, 'api_key_revoked']),
    headers: { authorization: 'Bearer REVOKED' },
  },
  {
    ...message('an old API key', {}, [401, 'api_key_expired']),
    headers: { authorization: 'Bearer EXPIRED' },
  },
  // 31-33: the body.
  { ...message('no JSON', {}, [400, 'invalid_json']), body: 'hello', detail: { line: 1, column: 1 } },
  { ...message('an empty body', {}, [400, 'invalid_json']), body: '' },
  {
    ...message('a comma too many', {}, [400, 'invalid_json']),
    body: '{\n  "rcpt": "ann@example.org",\n}',
    detail: { line: 3, column: 1 },
    says: /line 3, column 1/,
  },
  { ...message('a list', {}, [400, 'invalid_json']), body: [MESSAGE] },
  {
    ...message('plain text', {}, [415, 'unsupported_media_type']),
    headers: { 'content-type': 'text/plain' },
  },
  message('a body of 17 MB', { text: 'x'.repeat(17 * 1024 * 1024) }, [413, 'body_too_large'], {
    detail: { limitBytes: 16 * 1024 * 1024 },
  }),
  {
    what: 'a contact of 300 KB',
    path: '/v1/contacts',
    body: { email: 'ann@example.org', note: 'x'.repeat(300 * 1024) },
    answer: [413, 'body_too_large'],
    detail: { limitBytes: 256 * 1024 },
  },
  // 36-41: the recipient.
  rcpt(undefined, 'to_required'),
  rcpt('', 'to_required'),
  ...['a@b', 'a', '@b.com', 'a@', 'a b@c.com', 'a..b@c.com', '.a@c.com'].map((one) =>
    rcpt(one, 'address_invalid'),
  ),
  rcpt('a@x.com, b@y.com', 'one_address'),
  ...['a@x.com\r\nRCPT TO:<evil@y.com>', 'a@x.com\0', 'a\t@x.com'].map((one) =>
    rcpt(one, 'control_character'),
  ),
  ...['x <a@b.com>, evil', 'friends: a@b.com;', 'a(comment)@b.com'].map((one) =>
    rcpt(one, 'address_invalid'),
  ),
  rcpt(`${'a'.repeat(65)}@example.org`, 'address_too_long'),
  rcpt(`a@${'b.'.repeat(130)}org`, 'address_too_long'),
  // 54, 56: the content.
  message('neither html, text nor template', { text: undefined }, [422, 'body_required', 'templateSlug']),
  message('an unknown template', { subject: undefined, text: undefined, templateSlug: 'gone' }, [
    404,
    'template_not_found',
    'templateSlug',
  ]),
  // 59: the syntax of a template.
  {
    what: 'an open tag',
    path: '/v1/templates',
    body: { slug: 'open', subject: 'Hi', html: '<p>Hello</p>\n<p>{{ name</p>' },
    answer: [422, 'template_syntax', 'html'],
    detail: { line: 2, column: 4 },
  },
  // 64-66, 68: attachments.
  attachment('that is not base64', { content: 'aGVsbG8*' }, [
    422,
    'attachment_encoding',
    'attachments[0].content',
  ]),
  attachment('of 11 MB', { content: bytes(11 * 1024 * 1024) }, [413, 'attachment_too_large', 'attachments']),
  attachment('of 30 MB', { content: bytes(30 * 1024 * 1024) }, [413, 'body_too_large']),
  attachment('with a line break in its name', { filename: 'a\r\nb.pdf' }, [
    422,
    'control_character',
    'attachments[0].filename',
  ]),
  attachment('by path', { content: undefined, path: '/etc/passwd' }, [
    422,
    'unknown_field',
    'attachments[0].path',
  ]),
  attachment('by address', { content: undefined, href: 'http://127.0.0.1/' }, [
    422,
    'unknown_field',
    'attachments[0].href',
  ]),
  // 69: headers.
  ...['Bcc', 'DKIM-Signature', 'Content-Type', 'Received'].map((name) =>
    header(name, 'x', 'header_not_allowed'),
  ),
  ...['X A', 'X:A', ''].map((name) => header(name, 'x', 'header_invalid')),
  header('X-A', 'x\r\nBcc: evil@example.com', 'header_invalid'),
  // 71: the idempotency key (an empty one cannot be told from a missing one by every client; ours is refused).
  {
    ...message('an idempotency key used before', { text: 'Other' }, [
      422,
      'idempotency_key_reused',
      'Idempotency-Key',
    ]),
    headers: { 'idempotency-key': 'used' },
  },
  {
    ...message('an empty idempotency key', {}, [400, 'idempotency_key_invalid', 'Idempotency-Key']),
    headers: { 'idempotency-key': '' },
  },
  {
    ...message('an idempotency key of 300 characters', {}, [
      400,
      'idempotency_key_invalid',
      'Idempotency-Key',
    ]),
    headers: { 'idempotency-key': 'x'.repeat(300) },
  },
];

let running: TestApp;
const keys: Record<string, string> = {};
beforeAll(async () => {
  running = await testApp();
  const { db } = running.app;
  await running.call('POST', '/v1/messages', MESSAGE, { 'idempotency-key': 'used' });
  for (const name of ['REVOKED', 'EXPIRED']) {
    const { body } = await running.call('POST', '/v1/api-keys', { name });
    keys[name] = body.key;
    const columns = name === 'REVOKED' ? { revoked_at: 1 } : { expires_at: 1 };
    await db.write((tx) => tx.updateTable('api_keys').set(columns).where('id', '=', body.id).execute());
  }
  await running.untilTrue(
    async () => (await running.call('GET', '/v1/messages?status=captured')).body.data.length === 1,
  );
  return () => running.stop();
});

const TABLES = [
  'messages',
  'events',
  'attachments',
  'contacts',
  'templates',
  'servers',
  'idempotency_keys',
] as const;
const stored = () =>
  Promise.all(TABLES.map((table) => running.app.db.read.selectFrom(table).selectAll().execute()));

test.each(CASES)(
  '$what → $answer',
  async ({ method = 'POST', path, body, headers = {}, answer, says, detail }) => {
    const before = await stored();
    const response = await fetch(`http://127.0.0.1:${running.port}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization')),
        ...(headers.authorization === '' ? {} : { authorization: authorization(headers) }),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const { error } = JSON.parse(text);
    expect([response.status, error.code, error.field]).toEqual([answer[0], answer[1], answer[2]]);
    expect(error.message).toMatch(/^["A-Z\d].*[.!?]/s);
    if (says) expect(error.message).toMatch(says);
    if (detail) expect(error.detail).toMatchObject(detail);
    expect(text).not.toMatch(/canary-secret|node_modules|\.ts:\d/);
    expect(text.length).toBeLessThan(2_000);
    expect(await stored()).toEqual(before);
  },
);

function authorization(headers: Record<string, string>): string {
  const given = headers.authorization ?? `Bearer ${running.apiKey}`;
  return given.replace(/REVOKED|EXPIRED/, (name) => keys[name]!);
}

test('the four refusals of a key are four sentences', async () => {
  const refusals = CASES.filter(({ answer }) => answer[0] === 401).map(({ answer }) => answer[1]);
  expect(new Set(refusals).size).toBe(4);
});

test('a variable that is missing is a warning', async () => {
  await running.call('POST', '/v1/templates', {
    slug: 'names',
    subject: 'Hi {{ first }}',
    html: '<p>{{ last }}</p>',
  });
  const { status, body } = await running.call('POST', '/v1/messages', {
    rcpt: 'ann@example.org',
    templateSlug: 'names',
  });
  expect([status, body.warnings.length]).toEqual([202, 2]);
});

test('names that JavaScript knows print nothing', async () => {
  const html = '<p>[{{ constructor }}{{ __proto__ }}{{ toString }}{{ constructor.name }}]</p>';
  const { status, body } = await running.call('POST', '/v1/templates/preview', { html });
  expect([status, body.html]).toEqual([200, '<p>[]</p>']);
});

test.each([
  ['../../etc/passwd.pdf', 'passwd.pdf'],
  ['C:\\Users\\ann\\a.pdf', 'a.pdf'],
  [`${'x'.repeat(300)}.pdf`, `${'x'.repeat(251)}.pdf`],
])('an attachment named %.30s loses what it must not have', async (filename, kept) => {
  const { body } = await running.call('POST', '/v1/messages', {
    ...MESSAGE,
    attachments: [{ filename, content: 'aGk=' }],
  });
  expect((await running.call('GET', `/v1/messages/${body.id}`)).body.attachments).toMatchObject([
    { filename: kept },
  ]);
});
