import fc from 'fast-check';
import type { Call, Schema } from './document.ts';
import { bodyOf } from './document.ts';

/** How a request differs from the example. */
export interface Mutation {
  params: Record<string, string>;
  query: [name: string, value: string][];
  headers: Record<string, string>;
  /** Fields laid over the example's body; `MISSING` takes one away. */
  fields: Record<string, unknown>;
  /** In place of the body. */
  raw: string | undefined;
}

export const MISSING = Symbol('missing');

/** Requests that are a little, or very, wrong; and, now and then, right in an unusual way. */
export function mutationsOf(call: Call): fc.Arbitrary<Mutation> {
  const { parameters } = call.operation;
  const named = (place: string) => parameters.filter((one) => one.in === place);
  const schema = bodyOf(call)?.schema;
  return fc.record({
    params: some(named('path').map(({ name }) => [name, fc.oneof(PATH_TEXT, TEXT.filter(Boolean))])),
    query: fc
      .tuple(
        some(named('query').map(({ name, schema: one }) => [name, queryText(one)])),
        rarely(fc.tuple(fc.constantFrom('limitt', 'q ', '', '__proto__', 'constructor'), TEXT)),
      )
      .map(([known, unknown]) => [...Object.entries(known), ...(unknown ? [unknown] : [])]),
    headers: some(named('header').map(({ name }) => [name, HEADER_TEXT])),
    fields: schema
      ? fc
          .tuple(some(fieldsIn(schema)), rarely(fc.dictionary(NAME, WRONG, { maxKeys: 2 })))
          .map(([known, unknown]) => ({ ...known, ...unknown }))
      : fc.constant({}),
    raw: schema ? rarely(fc.constantFrom(...RAW)) : fc.constant(undefined),
  });
}

const rarely = <T>(value: fc.Arbitrary<T>) =>
  fc.option(value, { nil: undefined, freq: 3 }).chain((one) => fc.constant(one));

/** Up to three of the named values. */
function some<T>(entries: [string, fc.Arbitrary<T>][]): fc.Arbitrary<Record<string, T>> {
  if (entries.length === 0) return fc.constant({});
  return fc
    .subarray(entries, { maxLength: Math.min(3, entries.length) })
    .chain((chosen) => fc.record(Object.fromEntries(chosen)) as fc.Arbitrary<Record<string, T>>);
}

function fieldsIn(schema: Schema): [string, fc.Arbitrary<unknown>][] {
  return Object.entries(schema.properties ?? {}).map(([name, one]) => [
    name,
    CAREFUL[name] ?? fc.oneof(fitting(one), WRONG, fc.constant(MISSING)),
  ]);
}

/** A value as the schema asks for it, and its near relatives. */
function fitting(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => fitting(one, depth)));
  const types = [schema.type ?? []].flat();
  if (types.length === 0 || depth > 3) return WRONG;
  return fc.oneof(...types.map((type) => ofType(type, schema, depth)));
}

function ofType(type: string, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (type === 'null') return fc.constant(null);
  if (type === 'boolean') return fc.boolean();
  if (type === 'number' || type === 'integer') return numberNear(schema);
  if (type === 'array') return fc.array(fitting(schema.items ?? {}, depth + 1), { maxLength: 4 });
  if (type === 'string') return TEXT;
  const entries = Object.entries(schema.properties ?? {});
  if (entries.length === 0) return fc.dictionary(NAME, fc.oneof(TEXT, WRONG), { maxKeys: 4 });
  return some(entries.map(([name, one]) => [name, fc.oneof(fitting(one, depth + 1), WRONG)]));
}

function numberNear({ minimum = 0, maximum = 1000 }: Schema): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(minimum, minimum - 1, maximum, maximum + 1), NUMBER);
}

function queryText(schema: Schema): fc.Arbitrary<string> {
  return fc.oneof(fitting(schema).map(String), TEXT);
}

const NUMBER = fc.oneof(
  fc.constantFrom(-1, -0, 0.1, 1e308, -1e308, 5e-324, Number.MAX_SAFE_INTEGER, 2 ** 31, 2 ** 63),
  fc.integer(),
  fc.double({ noNaN: true }),
);

/** Texts that have broken programs: controls, half characters, the ends of strings and of lengths. */
const HOSTILE = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r\nBcc: x@example.com',
  '\ud800',
  '\u202efdp.exe',
  '{{',
  '{{{x}}',
  '{{#a}}{{/b}}',
  '{{> partial}}',
  "' or 1=1 --",
  '%00%zz',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'ada@example.com',
  'Ada <ada@example.com>',
  'ada@localhost',
  '@',
  'ä@ö.example',
  'x'.repeat(12_000),
  '2027-01-31T09:00:00Z',
  '9999-99-99T99:99:99Z',
  '-1',
  '1e400',
  'NaN',
];
const TEXT = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const PATH_TEXT = fc.constantFrom(
  'x',
  'msg_',
  'srv_00000000000000000000000000',
  '%',
  '%zz',
  '%00',
  '~',
  'a+b@example.com',
);
const HEADER_TEXT = fc.oneof(
  fc.constantFrom('', 'key', 'k'.repeat(255), 'k'.repeat(256), 'ä'),
  fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
);
const NAME = fc.oneof(
  fc.constantFrom('sendAT', 'varibles', '__proto__', 'constructor', 'toString', '', 'a.b', '$ref'),
  fc.string({ maxLength: 10 }),
);

/** Deep enough to matter, within what the reader of bodies lets through and beyond it. */
const DEEP = fc.constantFrom(10, 60, 70).map((levels) => {
  let value: unknown = 'end';
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { a: value };
  return value;
});
const WRONG = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  NUMBER,
  TEXT,
  fc.array(fc.oneof(TEXT, NUMBER, fc.constant(null)), { maxLength: 3 }),
  fc.object({ maxDepth: 2, maxKeys: 3 }),
  DEEP,
);

/** Fields that name where to connect: nothing that leads out of this machine, or to somebody else's port. */
const CAREFUL: Record<string, fc.Arbitrary<unknown>> = {
  host: fc.constantFrom(
    null,
    1,
    '',
    ' ',
    'a b',
    '\0',
    '-',
    'x'.repeat(300),
    '[::1',
    'http://127.0.0.1',
    {},
    MISSING,
  ),
  port: fc.constantFrom(-1, 0, 65_536, 1.5, 1e308, '25', null, 22, {}, MISSING),
  type: fc.constantFrom('', 'nothing', 'GENERIC', 'transactional', 'test', null, 1, {}, MISSING),
};

const RAW = [
  '',
  ' ',
  '{',
  '[]',
  'null',
  '"x"',
  '1',
  '{"a":1,}',
  '{"a":"\\ud800"}',
  '\ufeff{}',
  '{"__proto__":{"a":1}}',
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
];
