import { beforeAll, describe, expect, test } from 'vitest';
import { type TestApp, testApp } from '../../src/testing/test-app.ts';
import { exchange, type RawAnswer } from './raw-http.ts';

// What the clients that exist put on the wire, byte for byte. They work with only the base URL changed: the right
// status, never a redirect, never a broken connection.

let running: TestApp;
beforeAll(async () => {
  running = await testApp();
  await running.call('POST', '/v1/templates', {
    slug: 'welcome',
    subject: 'Hi {{ name }}',
    html: '<p>{{ name }} {{ when }} {{ count }} {{#on}}on{{/on}}</p>',
  });
  return () => running.stop();
});

type Headers = Record<string, string>;
const auth = (): Headers => ({ Authorization: `Bearer ${running.apiKey}` });

function request(line: string, headers: Headers, body?: string | Buffer): Buffer {
  const length: Headers = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const head = Object.entries({ Host: `127.0.0.1:${running.port}`, ...headers, ...length });
  return Buffer.concat([
    Buffer.from(`${line} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`),
    Buffer.from(body ?? ''),
  ]);
}

async function ask(line: string, headers: Headers, body?: string | Buffer): Promise<RawAnswer> {
  const [answer] = await exchange(running.port, request(line, headers, body));
  return answer!;
}
const json = (answer: RawAnswer) => JSON.parse(answer.body);
const contact = async (email: string) =>
  (await running.call('GET', `/v1/contacts/${encodeURIComponent(email)}`)).body;

/** Node: no User-Agent, keep-alive. */
const node = (): Headers => ({ 'Content-Type': 'application/json', ...auth(), Connection: 'keep-alive' });
/** Java's HttpClient on plain http asks for HTTP/2 with every call. */
const java = (): Headers => ({
  Connection: 'Upgrade, HTTP2-Settings',
  'HTTP2-Settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
  Upgrade: 'h2c',
  'User-Agent': 'Java-http-client/17.0.2',
  ...auth(),
  'Content-Type': 'application/json',
});
const csharp = (): Headers => ({
  'Content-Type': 'application/json; charset=utf-8',
  ...auth(),
  Expect: '100-continue',
});
const php = (): Headers => ({ 'User-Agent': 'GuzzleHttp/7', 'Content-Type': 'application/json', ...auth() });

describe('sending', () => {
  const BODIES: [string, () => Headers, string, string][] = [
    [
      'Node',
      node,
      '/v1/messages',
      '{"rcpt":"ann@example.org","templateSlug":"welcome","variables":{"name":"Ann"}}',
    ],
    ['Node without variables', node, '/v1/messages', '{"rcpt":"ann@example.org","templateSlug":"welcome"}'],
    [
      'Node with a slash behind the base URL',
      node,
      '//v1/messages',
      '{"rcpt":"ann@example.org","templateSlug":"welcome","variables":{}}',
    ],
    ['Java', java, '/v1/messages', '{"rcpt":"ann@example.org","templateSlug":"welcome","variables":{}}'],
    [
      'Java with a slash behind the base URL',
      java,
      '//v1/messages/',
      '{"variables":{"name":"Ann"},"templateSlug":"welcome","rcpt":"ann@example.org"}',
    ],
    [
      'C#',
      csharp,
      '/v1/messages',
      '{"rcpt":"ann@example.org","templateSlug":"welcome","variables":{"name":"Ännchen"}}',
    ],
    [
      'PHP with a list',
      php,
      '/v1/messages',
      '{"rcpt":"ann@example.org","templateSlug":"welcome","variables":["a","b"]}',
    ],
    [
      'PHP with an empty list',
      php,
      '/v1/messages',
      '{"rcpt":"ann@example.org","templateSlug":"welcome","variables":[]}',
    ],
    [
      'values of every kind',
      node,
      '/v1/messages',
      '{"rcpt":"ann@example.org","templateSlug":"welcome","variables":{"name":null,"count":3,"on":true,"when":"1970-01-01T00:00:00.000Z"}}',
    ],
    [
      'a field of the future',
      node,
      '/v1/messages',
      '{"rcpt":"ann@example.org","templateSlug":"welcome","campaignGroup":7}',
    ],
  ];

  test.each(BODIES)('%s', async (_, headers, path, body) => {
    const answer = await ask(`POST ${path}`, headers(), body);
    expect([answer.status, json(answer).id]).toEqual([202, expect.stringMatching(/^msg_/)]);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect((await running.until(json(answer).id, 'captured')).rcpt).toBe('ann@example.org');
  });

  test('Node with an attachment of 10 MB, a body of 13 MB', async () => {
    const content = Buffer.alloc(10 * 1024 * 1024, 'pdf').toString('base64');
    const body = JSON.stringify({
      rcpt: 'ann@example.org',
      templateSlug: 'welcome',
      variables: { name: 'Ann' },
      attachments: [{ content, filename: 'invoice.pdf' }],
    });
    expect(body.length).toBeGreaterThan(13_000_000);
    const answer = await ask('POST /v1/messages', node(), body);
    expect(answer.status).toBe(202);
    const { attachments } = await running.until(json(answer).id, 'captured');
    expect(attachments).toEqual([
      { filename: 'invoice.pdf', contentType: 'application/pdf', size: 10 * 1024 * 1024 },
    ]);
  });

  test('a wrong key is 401 and nothing else, in JSON that is short enough to show', async () => {
    for (const headers of [node(), java(), csharp(), php()]) {
      const answer = await ask('POST /v1/messages', { ...headers, Authorization: 'Bearer wrong' }, '{}');
      expect([answer.status, json(answer).error.code]).toEqual([401, 'api_key_malformed']);
      expect(answer.body.length).toBeLessThan(300);
    }
  });

  test('a wrong template is told in the body that Node shows', async () => {
    const answer = await ask('POST /v1/messages', node(), '{"rcpt":"ann@example.org","templateSlug":"gone"}');
    expect([answer.status, json(answer).error.code]).toEqual([404, 'template_not_found']);
  });
});

describe('contacts', () => {
  test.each<[string, () => Headers, string, string, string]>([
    [
      'Node',
      node,
      '/v1/contacts',
      '{"email":"node@example.org","since":"1970-01-01T00:00:00.000Z","gone":null}',
      'node@example.org',
    ],
    [
      'Java, address last',
      java,
      '/v1/contacts/',
      '{"since":"1970-01-01T00:00:00Z","email":"java@example.org"}',
      'java@example.org',
    ],
    [
      'Java with a slash behind the base URL',
      java,
      '//v1/contacts/',
      '{"since":"1970-01-01T00:00:00Z","email":"java2@example.org"}',
      'java2@example.org',
    ],
    [
      'C#',
      csharp,
      '/v1/contacts',
      '{"email":"cs@example.org","since":"1970-01-01T00:00:00Z"}',
      'cs@example.org',
    ],
    [
      'PHP',
      php,
      '/v1/contacts',
      '{"email":"php@example.org","since":"1970-01-01T01:00:00+01:00"}',
      'php@example.org',
    ],
  ])('%s', async (_, headers, path, body, email) => {
    const answer = await ask(`POST ${path}`, headers(), body);
    expect(answer.status).toBe(200);
    expect((await contact(email)).attributes).toEqual({
      since: { type: 'date', value: '1970-01-01T00:00:00.000Z' },
    });
  });

  test('are deleted by addresses that nobody encoded', async () => {
    const add = (email: string) => running.call('POST', '/v1/contacts', { email });
    for (const [email, line, headers] of [
      ['a+b@example.org', 'DELETE /v1/contacts/a+b@example.org', { ...auth(), Connection: 'keep-alive' }],
      ['plain@example.org', 'DELETE //v1/contacts/plain@example.org', auth()],
      ['java@example.net', 'DELETE /v1/contacts/java@example.net', { ...java(), 'Content-Length': '0' }],
      ["o'neil@example.org", "DELETE /v1/contacts/o'neil@example.org/", auth()],
      ['encoded+x@example.org', 'DELETE /v1/contacts/encoded%2Bx%40example.org', auth()],
    ] as [string, string, Headers][]) {
      await add(email);
      const answer = await ask(line, headers);
      expect([line, answer.status, answer.body]).toEqual([line, 204, '']);
      expect((await contact(email)).error.code).toBe('contact_not_found');
    }
  });

  test.each([
    ['50%off@example.org', 400],
    ['%', 400],
    ['%zz@example.org', 400],
    ['%c3%28@example.org', 404],
    ['a%20b@example.org', 422],
    ['unknown@example.org', 404],
    ['cut?off@example.org', 422],
  ])('a path that cannot be an address of ours is an error, never a crash: %s', async (path, status) => {
    const answer = await ask(`DELETE /v1/contacts/${path}`, auth());
    expect([answer.status, typeof json(answer).error.code]).toEqual([status, 'string']);
  });
});

test.each<[string, () => Headers, string]>([
  ['Node', node, '/v1/events'],
  ['Java', java, '/v1/events'],
  ['C#', csharp, '/v1/events/'],
  ['PHP', php, '//v1/events'],
])('%s reports an event, and the contact is there', async (name, headers, path) => {
  const email = `event-${name.toLowerCase().replace('#', 'sharp')}@example.org`;
  const answer = await ask(`POST ${path}`, headers(), JSON.stringify({ email, slug: 'signed-up' }));
  expect([answer.status, json(answer).id]).toEqual([202, expect.stringMatching(/^evt_/)]);
  expect((await contact(email)).email).toBe(email);
});

test('an upgrade to HTTP/2 is never begun, and the connection goes on', async () => {
  const one = request('POST /v1/events', java(), '{"email":"ann@example.org","slug":"one"}');
  const two = request('POST /v1/events', java(), '{"email":"ann@example.org","slug":"two"}');
  const answers = await exchange(running.port, one, two);
  expect(answers.map((answer) => answer.status)).toEqual([202, 202]);
  for (const answer of answers) expect(answer.headers.has('upgrade')).toBe(false);
});

test('no path of an existing call is answered with a redirect', async () => {
  for (const path of ['/v1/messages', '/v1/contacts', '/v1/events', '/v1/contacts/x@example.org'])
    for (const spelled of [path, `${path}/`, `/${path}`, `//${path}//`])
      for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
        const { status } = await ask(`${method} ${spelled}`, auth(), method === 'POST' ? '{}' : undefined);
        expect([method, spelled, status >= 300 && status < 400, status >= 500]).toEqual([
          method,
          spelled,
          false,
          false,
        ]);
      }
});
