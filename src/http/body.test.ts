import { describe, expect, test } from 'vitest';
import { AppError } from '../errors.ts';
import { readJson } from './body.ts';

const LIMIT = 1_000;

function post(
  body: string | ReadableStream,
  type: string | undefined = 'application/json',
  length = true,
): Request {
  const headers = new Headers(type === undefined ? {} : { 'content-type': type });
  if (length && typeof body === 'string') headers.set('content-length', String(Buffer.byteLength(body)));
  return new Request('http://localhost/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit);
}

/** A body that does not say how long it is. */
function chunked(...chunks: string[]): Request {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk));
      controller.close();
    },
  });
  return post(stream, 'application/json', false);
}

async function refusal(request: Request): Promise<AppError> {
  const thrown = await readJson(request, LIMIT).then(
    (value) => new Error(`It was read: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw thrown;
}

test.each([
  'application/json',
  'application/json; charset=utf-8',
  'Application/JSON',
  'application/problem+json',
  undefined,
])('a body of type %s is read', async (type) => {
  expect(await readJson(post('{"name":"Ädä 🐎"}', type), LIMIT)).toEqual({ name: 'Ädä 🐎' });
});

test('a body in pieces is read, also when a letter is cut in two', async () => {
  const bytes = Buffer.from('{"name":"ä"}');
  const stream = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Buffer.of(byte));
      controller.close();
    },
  });
  expect(await readJson(post(stream, 'application/json', false), LIMIT)).toEqual({ name: 'ä' });
});

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/jsonp',
  '',
])('a body of type %j is refused with 415', async (type) => {
  const error = await refusal(post('{}', type));
  expect(error).toMatchObject({ code: 'unsupported_media_type', status: 415 });
});

test('the refused type is shown short and without control characters', async () => {
  const error = await refusal(post('{}', `text/${'x'.repeat(500)}`));
  expect(error.message.length).toBeLessThan(150);
});

describe('what is not JSON is refused with its line and column', () => {
  test.each<[string, number, number]>([
    ['', 1, 1],
    ['  \n ', 1, 1],
    ['{"a":1,}', 1, 8],
    ['[1,2,]', 1, 6],
    ['{"a": x}', 1, 7],
    ['hello', 1, 1],
    ['{\n  "a": 1,\n  "b": tru\n}', 3, 11],
    ['{\n  "a": 1,\n  "b": yes\n}', 3, 8],
    ["{'a': 1}", 1, 2],
    ['{"a": 1', 1, 8],
    ['{"a": "x\ny"}', 1, 9],
    ['{"a": 1} {}', 1, 10],
    ['{"at position 3 (line": x}', 1, 25],
    [`{"long": "${'y'.repeat(200)}", "b": z}`, 1, 219],
  ])('%j at %i:%i', async (body, line, column) => {
    const error = await refusal(post(body));
    expect(error).toMatchObject({ code: 'invalid_json', status: 400, detail: { line, column } });
  });

  test('also when it is very long, without the place', async () => {
    const text = `["${'x'.repeat(1_500_000)}", y]`;
    await expect(readJson(post(text), 2_000_000)).rejects.toMatchObject({
      code: 'invalid_json',
      status: 400,
    });
  });

  test('and the body itself is not repeated', async () => {
    expect((await refusal(post('{"password": hunter2}'))).message).not.toContain('hunter2');
  });
});

test('64 levels are read, 65 are refused; braces in text do not count', async () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  expect(await readJson(post(nested(64)), LIMIT)).toBeInstanceOf(Array);
  expect(await refusal(post(nested(65)))).toMatchObject({ code: 'invalid_json', status: 400 });
  const mixed = (pairs: number) => `${'[{"a":'.repeat(pairs)}1${'}]'.repeat(pairs)}`;
  expect(await readJson(post(mixed(32)), LIMIT)).toBeInstanceOf(Array);
  expect(await refusal(post(mixed(33)))).toMatchObject({ code: 'invalid_json', status: 400 });
  expect(await readJson(post(JSON.stringify({ text: `\\"${'['.repeat(100)}` })), LIMIT)).toBeDefined();
});

describe('a body of the limit is read, one byte more is refused with 413', () => {
  const exact = JSON.stringify({ text: 'x'.repeat(LIMIT - '{"text":""}'.length) });

  test('when it says its length', async () => {
    expect(await readJson(post(exact), LIMIT)).toBeDefined();
    const error = await refusal(post(`${exact} `));
    expect(error).toMatchObject({ code: 'body_too_large', status: 413, detail: { limitBytes: LIMIT } });
    expect(error.message).toContain('at most 1 KB');
  });

  test('when it does not', async () => {
    expect(await readJson(chunked(exact.slice(0, 500), exact.slice(500)), LIMIT)).toBeDefined();
    expect(await refusal(chunked(exact, ' '))).toMatchObject({ code: 'body_too_large', status: 413 });
  });

  test('and the rest is not read without end', async () => {
    let given = 0;
    const endless = new ReadableStream({
      pull(controller) {
        given += 1_000_000;
        controller.enqueue(new Uint8Array(1_000_000));
      },
    });
    expect(await refusal(post(endless, 'application/json', false))).toMatchObject({ status: 413 });
    expect(given).toBeLessThan(70_000_000);
  });
});
