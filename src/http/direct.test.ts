import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type Call, type Route, route } from './route.ts';
import { createHttp, type Listening, listen } from './server.ts';

// The same route twice, one of them direct: whatever is sent to both has the same answer.

const ways: ('direct' | 'framework')[] = [];
const lines: string[] = [];
/** A call with the key `slow` waits while it is looked up. */
let begun: PromiseWithResolvers<void>;
let goOn: PromiseWithResolvers<void>;
beforeEach(() => {
  ways.length = 0;
  lines.length = 0;
  begun = Promise.withResolvers();
  goOn = Promise.withResolvers();
});

function things(path: string, direct: boolean): Route {
  const handle = async ({ body, headers, request, ip }: Call<z.ZodType<{ name: string }>>) => {
    ways.push(request instanceof Request ? 'framework' : 'direct');
    if (body.name === 'web')
      return new Response('a,b', { status: 201, headers: { 'content-type': 'text/csv' } });
    if (body.name === 'broken') throw new Error('canary');
    if (body.name === 'later') throw new AppError('too_many', 'Later.', { detail: { retryAfterSeconds: 7 } });
    return {
      status: 202,
      body: { body, ip, key: headers.get('idempotency-key') },
      headers: { 'idempotent-replayed': 'true' },
    };
  };
  return route({
    method: 'POST',
    path,
    ...(direct ? { direct } : {}),
    access: 'editor',
    tag: 'Test',
    summary: 'Test',
    answers: { 202: { description: 'Fine' } },
    body: z.object({ name: z.string() }),
    maxBodyBytes: 100_000,
    handle: handle as never,
  });
}

let listening: Listening;
beforeAll(async () => {
  const http = createHttp({
    routes: [things('/v1/quick', true), things('/v1/usual', false)],
    authenticate: async ({ headers }) => {
      const header = headers.get('authorization');
      if (header === 'Bearer slow') {
        begun.resolve();
        await goOn.promise;
      } else if (header !== 'Bearer x')
        throw new AppError('api_key_unknown', `No key ${header}.`, { status: 401 });
      return { kind: 'key', id: 'key_1', workspaceId: 'wsp_1', role: 'editor', mayAllowPrivate: false };
    },
    fallback: async () => undefined,
    clock: new FakeClock(),
    log: pino({}, { write: (line: string) => void lines.push(line) }),
  });
  listening = await listen(http, '127.0.0.1', 0);
});
afterAll(() => listening.close());

async function send(raw: string | Buffer): Promise<string> {
  const socket = connect(listening.port, '127.0.0.1');
  socket.write(raw);
  return text(socket);
}

/** Of an answer, what is not of its moment: headers in any order. */
function parts(answer: string) {
  const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s);
  const [status, ...headers] = head.split('\r\n');
  const lasting = headers.map((one) => one.replace(/^[^:]+/, (name) => name.toLowerCase()));
  const isLasting = (one: string) => !/^(date|x-request-id): /.test(one);
  return { status, headers: lasting.filter(isLasting).toSorted(), body: body.replace(/req_\w+/, 'req_') };
}

const USUAL = ['Host: mail.example.com', 'Authorization: Bearer x', 'Content-Type: application/json'];
const post = (headers: readonly string[], body: string, target = '/v1/quick') =>
  `POST ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
const without = (name: string) => USUAL.filter((one) => !one.startsWith(name));
const kept = (raw: string) => raw.replace('Connection: close', 'Connection: keep-alive');
const ADA = '{"name":"Ädä 🐎"}';

describe('a direct route answers as any other', () => {
  test.each<[string, string, 'direct' | 'framework' | undefined]>([
    ['a usual call', post(USUAL, ADA), 'direct'],
    [
      'a header in another case',
      post(
        USUAL.map((one) => one.toUpperCase().replace('BEARER X', 'Bearer x')),
        ADA,
      ),
      'direct',
    ],
    ['blanks around a value', post([...USUAL, 'Idempotency-Key: \t one two \t '], ADA), 'direct'],
    ['a byte order mark', post(USUAL, `\ufeff${ADA}`), 'direct'],
    ['a name of more than one chunk', post(USUAL, `{"name":"${'x'.repeat(60_000)}"}`), 'direct'],
    ['a long body', post(USUAL, `{"name":"${'x'.repeat(70_000)}"}`), 'framework'],
    ['a body that is too long', post(USUAL, `{"name":"${'x'.repeat(120_000)}"}`), undefined],
    ['no body', post(USUAL, ''), undefined],
    ['broken JSON', post(USUAL, '{"name":\n"x"'), undefined],
    ['bytes that are no text', post(USUAL, '{"name":"~"}').replace('~', '\xff'), 'direct'],
    ['a field that is wrong', post(USUAL, '{"name":5}'), undefined],
    ['a field that is unknown', post(USUAL, '{"name":"x","nam":1}'), undefined],
    ['no key', post(without('Authorization'), ADA), undefined],
    ['two keys', post([...USUAL, 'Authorization: Bearer y'], ADA), undefined],
    ['another kind of body', post([...without('Content-Type'), 'Content-Type: text/plain'], ADA), undefined],
    ['no kind of body', post(without('Content-Type'), ADA), 'direct'],
    ['a fault of ours', post(USUAL, '{"name":"broken"}'), 'direct'],
    ['an answer of the web', post(USUAL, '{"name":"web"}'), 'direct'],
    ['a wait', post(USUAL, '{"name":"later"}'), 'direct'],
    ['no host', post(without('Host'), ADA), undefined],
    ['a host that is none', post([...without('Host'), 'Host: a b'], ADA), undefined],
    ['an empty host', post([...without('Host'), 'Host:'], ADA), 'framework'],
    ['a host of HTTP/1.0 alone', post(without('Host'), ADA).replace('HTTP/1.1', 'HTTP/1.0'), 'framework'],
    ['a query', post(USUAL, ADA, '/v1/quick?a=%00'), undefined],
    ['a path in another form', post(USUAL, ADA, '//v1/quick/'), 'framework'],
    [
      'a body in chunks',
      `POST /v1/quick HTTP/1.1\r\n${USUAL.join('\r\n')}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${Buffer.byteLength(ADA).toString(16)}\r\n${ADA}\r\n0\r\n\r\n`,
      'framework',
    ],
    ['another method', post(USUAL, ADA).replace('POST', 'PUT'), undefined],
  ])('%s', async (name, raw, way) => {
    const bytes = (one: string) => Buffer.from(one, name === 'bytes that are no text' ? 'latin1' : 'utf8');
    const quick = parts(await send(bytes(raw)));
    expect(ways[0]).toBe(way);
    const usual = parts(await send(bytes(raw.replaceAll('/v1/quick', '/v1/usual'))));
    expect({ ...quick, body: quick.body.replaceAll('quick', 'usual') }).toEqual(usual);
  });
});

test('a connection is kept, also after a call that was refused before its body was read', async () => {
  const answers = await send(
    kept(post(without('Authorization'), ADA)) + kept(post(USUAL, ADA)) + post(USUAL, ADA),
  );
  expect([...answers.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)).toEqual([
    '401',
    '202',
    '202',
  ]);
});

test.each(['/v1/quick', '/v1/usual'])(
  'a connection is dropped whose refused call keeps its body back (%s)',
  async (target) => {
    const raw = kept(post(without('Authorization'), ADA, target));
    expect(parts(await send(raw.slice(0, -5))).status).toBe('HTTP/1.1 401 Unauthorized');
  },
  4_000, // Node.js itself would wait for 6 seconds
);

/** Sends it, leaves while its key is looked up, and is known to have left when that ends. */
async function sendAndLeave(raw: string): Promise<void> {
  const socket = connect(listening.port, '127.0.0.1');
  socket.write(raw);
  await begun.promise;
  const closed = new Promise((done) => socket.on('close', done));
  socket.destroy();
  await closed;
  await send(post(USUAL, ADA));
  goOn.resolve();
  await send(post(USUAL, ADA));
}
const SLOW = post([...without('Authorization'), 'Authorization: Bearer slow'], ADA);

test('what a caller sent in full counts, though it left before it was looked at', async () => {
  await sendAndLeave(SLOW);
  expect(ways).toEqual(['direct', 'direct', 'direct']);
});

test('what a caller sent in part does not', async () => {
  await sendAndLeave(SLOW.slice(0, -5));
  expect(ways).toEqual(['direct', 'direct']);
});

test.each(['/v1/quick', '/v1/usual'])(
  'a caller that leaves within its body is not logged (%s)',
  async (target) => {
    const socket = connect(listening.port, '127.0.0.1');
    socket.end(post(USUAL, ADA, target).slice(0, -5));
    await text(socket);
    expect(parts(await send(post(USUAL, ADA))).status).toBe('HTTP/1.1 202 Accepted');
    expect(ways).toEqual(['direct']);
    expect(lines).toEqual([]);
  },
);
