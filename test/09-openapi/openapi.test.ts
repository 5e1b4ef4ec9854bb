import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENGINES } from '../../src/storage/testing.ts';
import { testApp } from '../../src/testing/test-app.ts';
import { bodyOf, type Call, callsOf, type Document, faults, references, resolve } from './document.ts';
import { type Example, examplesOf, makeWorld, type World } from './examples.ts';
import { MISSING, type Mutation, mutationsOf } from './mutations.ts';

// What the document promises is what the program answers: to its own examples, and to requests made from its schemas.

/** A longer run: RUNS=2000 bin/run vitest run test/09-openapi. A failed one again: SEED=... */
const RUNS = Number(process.env.RUNS ?? 25);
const TIME_LIMIT_MS = Math.max(20_000, 100 * RUNS);
const SEED = Number(process.env.SEED ?? randomInt(2 ** 31));

const document = await readDocument();
const calls = callsOf(document);

async function readDocument(): Promise<Document> {
  const running = await testApp({ start: false });
  const { body } = await running.call('GET', '/v1/openapi.json');
  await running.stop();
  return body;
}

describe('the document', () => {
  test('has no reference that leads nowhere', () => {
    const all = references(document);
    expect(all).not.toHaveLength(0);
    expect(all.filter((one) => resolve(document, one) === undefined)).toEqual([]);
  });

  test('has an example for every body', () => {
    const without = calls.filter((call) => bodyOf(call) && bodyOf(call)!.example === undefined);
    expect(without.map(({ operation }) => operation.operationId)).toEqual([]);
  });
});

describe('the judge of answers', () => {
  const schema = calls.find(({ path }) => path === '/v1/me')!.operation.responses['200']!.content![
    'application/json'
  ]!.schema!;
  const me = async () => {
    const running = await testApp({ start: false });
    const { body } = await running.call('GET', '/v1/me');
    await running.stop();
    return body;
  };

  test('finds a field that is not documented, at any depth, and one that is missing', async () => {
    const body = await me();
    expect(faults(schema, body)).toEqual([]);
    expect(faults(schema, { ...body, more: 1 })).not.toEqual([]);
    expect(faults(schema, { ...body, workspace: { ...body.workspace, more: 1 } })).not.toEqual([]);
    expect(faults(schema, { ...body, version: undefined })).not.toEqual([]);
    expect(faults(schema, { ...body, state: { ...body.state, servers: '1' } })).not.toEqual([]);
  });
});

describe.each(ENGINES)('the program answers as documented, on $engine', ({ engine }) => {
  let world: World;
  let examples: Record<string, () => Promise<Example>>;
  beforeAll(async () => {
    world = await makeWorld(engine);
    examples = examplesOf(world);
  });
  afterAll(() => world.stop());

  const named = calls.map((call) => [call.operation.operationId, call] as const);

  test('every example belongs to a call', () => {
    const ids = named.map(([id]) => id);
    expect(Object.keys(examples).filter((id) => !ids.includes(id))).toEqual([]);
  });

  test.each(named)('%s: its example succeeds', async (id, call) => {
    const answer = await send(world, call, (await examples[id]?.()) ?? {});
    expect(complaints(call, answer)).toEqual([]);
    expect([answer.status, answer.text]).toEqual([successOf(call), answer.text]);
  });

  test.each(named.filter(([, call]) => streams(call)))('%s: streams when asked to', async (id, call) => {
    const headers = { accept: 'text/event-stream' };
    const answer = await send(world, call, (await examples[id]?.()) ?? {}, { headers });
    expect(answer.type).toBe('text/event-stream');
    expect(complaints(call, answer)).toEqual([]);
    expect(answer.text).toMatch(/event: done\n/);
  });

  test.each(named)(
    `%s: whatever it is sent (seed ${SEED})`,
    async (id, call) => {
      const holds = fc.asyncProperty(mutationsOf(call), async (mutation) => {
        const answer = await send(world, call, (await examples[id]?.()) ?? {}, mutation);
        const found = complaints(call, answer);
        if (found.length > 0)
          throw new Error([...found, answer.status, answer.text.slice(0, 500)].join('\n'));
      });
      await fc.assert(holds, { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: TIME_LIMIT_MS });
    },
    2 * TIME_LIMIT_MS,
  );
});

interface Given {
  status: number;
  type: string;
  text: string;
  headers: Headers;
}

async function send(
  { running }: World,
  call: Call,
  { params = {}, query = {}, body = {}, app = running }: Example,
  change: Partial<Mutation> = {},
): Promise<Given> {
  const values = { ...params, ...change.params };
  const path = call.path.replace(/\{(\w+)\}/g, (_, name: string) => inPath(values[name] ?? 'unnamed'));
  const search = new URLSearchParams([...Object.entries(query), ...(change.query ?? [])]);
  const example = bodyOf(call)?.example;
  const fields = Object.entries({ ...example, ...body, ...change.fields }).filter(
    ([, one]) => one !== MISSING,
  );
  const response = await app.app.request(`${path}${search.size > 0 ? `?${search}` : ''}`, {
    method: call.method,
    headers: {
      authorization: `Bearer ${app.apiKey}`,
      ...(example ? { 'content-type': 'application/json' } : {}),
      ...latin1(change.headers ?? {}),
    },
    ...(example ? { body: change.raw ?? JSON.stringify(Object.fromEntries(fields)) } : {}),
  });
  const type = (response.headers.get('content-type') ?? '').split(';')[0]!;
  return { status: response.status, type, text: await response.text(), headers: response.headers };
}

/** Encoded, except where the value is about being badly encoded; never a path of its own, such as `..`. */
function inPath(value: string): string {
  if (/^%[0-9a-z]{0,2}$/.test(value)) return value;
  const text = value.toWellFormed();
  return /^\.{1,2}$/.test(text) ? '%2E'.repeat(3) : encodeURIComponent(text);
}

const latin1 = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace(/[\0\r\n]/g, '')]));

/** What an answer does that the document does not say. */
function complaints({ operation }: Call, { status, type, text, headers }: Given): string[] {
  if (status >= 500) return ['a fault of the program'];
  if (!headers.get('x-request-id')) return ['no X-Request-Id'];
  const documented = operation.responses[status] ?? operation.responses.default!;
  if (status < 300 && !operation.responses[status]) return ['a success that is not documented'];
  if (!documented.content) return text === '' ? [] : ['a body where none is documented'];
  const form = documented.content[type];
  if (!form) return [`the content type ${type} is not documented`];
  if (status >= 300) return wrongError(status, text, headers);
  return form.schema ? faults(form.schema, JSON.parse(text)) : [];
}

function wrongError(status: number, text: string, headers: Headers): string[] {
  const schema = resolve(document, '#/components/schemas/Error') as object;
  const { error } = JSON.parse(text);
  const found = faults({ ...schema, additionalProperties: false } as never, { error });
  if (!/^[a-z][a-z0-9_]*$/.test(error?.code)) found.push('a code that is none');
  if (!/^[^\s].* .*[.?)]$/su.test(error?.message)) found.push('a message that is no sentence');
  if (status === 429 && !headers.get('retry-after')) found.push('no Retry-After');
  return found;
}

const streams = ({ operation }: Call) =>
  Object.values(operation.responses).some(({ content }) => content?.['text/event-stream']);

/** The status of the answer without streaming. */
function successOf({ operation }: Call): number {
  const found = Object.entries(operation.responses).find(
    ([status, { content }]) => /^2/.test(status) && Object.keys(content ?? {})[0] !== 'text/event-stream',
  );
  return Number(found?.[0]);
}
