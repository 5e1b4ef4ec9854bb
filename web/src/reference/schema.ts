import type { Schema } from './document.ts';

/** One field as a row of the reference. */
export interface Field {
  name: string;
  /** In words: `text or null`, `list of objects`. */
  type: string;
  required: boolean;
  description: string | undefined;
  /** Values and bounds: `` `ssl` `starttls` ``, `1 to 100`. */
  allowed: string[];
  bounds: string | undefined;
  errorCode: string | undefined;
  /** The fields within, when it is an object or a list of them. */
  fields: Field[];
}

/** Deeper than any schema of ours. */
const MAX_DEPTH = 8;

/** The fields of an object, or of the objects of a list, in the order of the schema. */
export function fieldsOf(schema: Schema, depth = 0): Field[] {
  if (depth >= MAX_DEPTH) return [];
  const inner = variantsOf(schema).flatMap((one) => (one.items ? variantsOf(one.items) : [one]));
  return inner.flatMap((object) =>
    Object.entries(object.properties ?? {}).map(([name, property]) =>
      fieldOf(name, property, object.required?.includes(name) ?? false, depth),
    ),
  );
}

export function fieldOf(name: string, schema: Schema, required: boolean, depth = 0): Field {
  const variants = variantsOf(schema);
  return {
    name,
    type: typeOf(schema),
    required,
    description: schema.description ?? first(variants, (one) => one.description),
    allowed: variants.flatMap(valuesOf),
    bounds: first(variants, boundsOf),
    errorCode: schema['x-error-code'] ?? first(variants, (one) => one['x-error-code']),
    fields: fieldsOf(schema, depth + 1),
  };
}

/** The type in words. */
export function typeOf(schema: Schema): string {
  const words = variantsOf(schema).flatMap((one) => [one.type ?? []].flat().map((type) => wordOf(type, one)));
  const nullLast = [...new Set(words)].sort((a, b) => Number(a === 'null') - Number(b === 'null'));
  return nullLast.join(' or ') || (schema.const === undefined && !schema.enum ? 'any' : 'text');
}

/** A schema that may be one of several, as the several. */
function variantsOf(schema: Schema): Schema[] {
  return schema.anyOf ? schema.anyOf.flatMap(variantsOf) : [schema];
}

const WORDS: Record<string, string> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
};

function wordOf(type: string, schema: Schema): string {
  if (type === 'array') return `list of ${plural(typeOf(schema.items ?? {}))}`;
  if (type === 'object') return schema.properties ? 'object' : 'object of any keys';
  return WORDS[type] ?? type;
}

function plural(type: string): string {
  if (type === 'any') return 'anything';
  return type === 'text' ? 'texts' : type.replace(/^(object|number|whole number)/, '$1s');
}

function valuesOf(schema: Schema): string[] {
  const values = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  return values.filter((value) => value !== null).map(String);
}

/** The bounds that somebody set; those that only say "a safe integer" are none. */
function boundsOf(schema: Schema): string | undefined {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  return (
    range(minimum, maximum, '') ??
    range(minLength, maxLength, ' characters') ??
    range(minItems, maxItems, ' entries')
  );
}

function range(min: number | undefined, max: number | undefined, unit: string): string | undefined {
  const least = min === undefined || min <= Number.MIN_SAFE_INTEGER ? undefined : min.toLocaleString('en-US');
  const most = max === undefined || max >= Number.MAX_SAFE_INTEGER ? undefined : max.toLocaleString('en-US');
  if (least !== undefined && most !== undefined) return `${least} to ${most}${unit}`;
  if (most !== undefined) return `at most ${most}${unit}`;
  return least === undefined ? undefined : `at least ${least}${unit}`;
}

function first<T>(variants: Schema[], look: (schema: Schema) => T | undefined): T | undefined {
  for (const one of variants) {
    const found = look(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
