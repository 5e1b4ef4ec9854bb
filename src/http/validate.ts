import { z } from 'zod';
import { closest } from '../config.ts';
import { AppError } from '../errors.ts';
import type { Route } from './route.ts';

/**
 * Marks a field's schema with the stable code that a wrong value of it answers with. The code is part of the
 * OpenAPI document, as `x-error-code`.
 */
export function coded<T extends z.ZodType>(schema: T, code: string): T {
  return schema.meta({ 'x-error-code': code }) as T;
}

interface Parsed {
  value: unknown;
  warnings: string[];
}

/**
 * Checks a value against a route's schema. Unknown top-level fields are refused, reported or kept, as the route says.
 * @throws AppError unknown_field, `<field>_required`, the field's own code, or field_invalid.
 */
export function validate(schema: z.ZodType, value: unknown, unknownFields: Route['unknownFields']): Parsed {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new AppError('invalid_json', 'The body must be a JSON object.', { status: 400 });
  }
  const warnings = checkUnknown(schema, value, unknownFields);
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data, warnings };
  throw issueError(schema, result.error.issues[0]!);
}

/**
 * No mail holds U+0000 (RFC 5322 §3.5), nor does a text in PostgreSQL; so no call may bring it, in a value or a name.
 * @throws AppError control_character
 */
export function refuseNul(value: unknown, path: readonly string[] = []): void {
  if (typeof value === 'string' && value.includes('\0')) {
    const field = shown(path.join('.'));
    throw new AppError('control_character', `The field ${field} contains the character U+0000. Remove it.`, {
      field,
    });
  }
  if (value === null || typeof value !== 'object') return;
  for (const [name, inner] of Object.entries(value)) {
    refuseNul(name, [...path, name]);
    refuseNul(inner, [...path, name]);
  }
}

function checkUnknown(schema: z.ZodType, value: object, mode: Route['unknownFields']): string[] {
  const { shape } = schema as Partial<z.ZodObject>;
  if (mode === 'keep' || !shape) return [];
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(shape, name));
  if (unknown.length === 0) return [];
  const known = Object.keys(shape);
  const warnings: string[] = [];
  for (const name of unknown) {
    const near = nearMiss(name, known);
    if (mode === 'refuse' || near) throw unknownField(name, near, name);
    warnings.push(`The field ${shown(name)} is unknown and was ignored.`);
  }
  return warnings;
}

/** Letter case and separators aside, or within two keystrokes. */
function nearMiss(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  return known.find((one) => plain(one) === plain(name)) ?? closest(name, known);
}

function unknownField(name: string, near: string | undefined, path: string): AppError {
  const hint = near ? ` Did you mean ${near}?` : '';
  return new AppError('unknown_field', `The field ${shown(name)} is unknown.${hint}`, {
    field: shown(path),
    ...(near ? { detail: { suggestion: near } } : {}),
  });
}

/** How the library begins where a schema brings no sentence of its own. */
const LIBRARY_WORDS = /^(Invalid |Too (small|big): )/;

function issueError(schema: z.ZodType, issue: z.core.$ZodIssue): AppError {
  const path = issue.path.map(String);
  const field = path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const inner = schemaAt(schema, path);
    const known = inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
    const name = issue.keys[0]!;
    return unknownField(name, nearMiss(name, known), [...path, name].join('.'));
  }
  const code = codeAt(schema, path);
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  if (missing) {
    return new AppError(
      code && !code.endsWith('_invalid') ? code : `${snake(path.at(-1) ?? 'body')}_required`,
      `The field ${field} is required.`,
      { field },
    );
  }
  const sentence = LIBRARY_WORDS.test(issue.message)
    ? `The field ${field} is wrong: ${lowerFirst(issue.message)}.`
    : issue.message;
  return new AppError(code ?? 'field_invalid', sentence, { field });
}

function codeAt(schema: z.ZodType, path: readonly string[]): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const code = metaCode(schemaAt(schema, path.slice(0, length)));
    if (code) return code;
  }
  return undefined;
}

function metaCode(schema: z.ZodType | undefined): string | undefined {
  const code = schema?.meta()?.['x-error-code'];
  if (typeof code === 'string') return code;
  const inner: z.ZodType | undefined = schema && unwrapped(schema);
  return inner && metaCode(inner);
}

function schemaAt(schema: z.ZodType, path: readonly string[]): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema;
  for (const step of path) {
    let inner: z.ZodType | undefined = current;
    while (inner && !(inner instanceof z.ZodObject || inner instanceof z.ZodArray)) inner = unwrapped(inner);
    current =
      inner instanceof z.ZodObject
        ? (inner.shape[step] as z.ZodType)
        : (inner?.element as z.ZodType | undefined);
  }
  return current;
}

function unwrapped(schema: z.ZodType): z.ZodType | undefined {
  return (schema.def as { innerType?: z.ZodType }).innerType;
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
const shown = (name: string) => name.replace(/[^\x20-\x7e]/g, '?').slice(0, 80);
