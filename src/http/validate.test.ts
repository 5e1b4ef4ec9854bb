import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Route } from './route.ts';
import { coded, refuseNul, validate } from './validate.ts';

const body = z.object({
  subject: z.string(),
  sendAt: z.string().optional(),
  variables: z.record(z.string(), z.unknown()).optional(),
  port: coded(z.number({ error: 'The port is a number.' }), 'port_invalid').optional(),
  limits: z.strictObject({ perHour: coded(z.number().int(), 'limit_invalid').nullish() }).nullish(),
  list: z.array(z.strictObject({ name: z.string() })).optional(),
});

function refusal(value: unknown, mode: Route['unknownFields'] = 'refuse'): AppError {
  try {
    validate(body, value, mode);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('It passed.');
}

test('a right value comes back with no warnings', () => {
  const value = { subject: 'Hi', port: 25, limits: { perHour: null } };
  expect(validate(body, value, 'refuse')).toEqual({ value, warnings: [] });
});

test.each([null, 1, 'text', [], [{ subject: 'Hi' }]])('%j is not an object', (value) => {
  expect(refusal(value)).toMatchObject({ code: 'invalid_json', status: 400 });
});

describe('a field that is wrong is named with its code', () => {
  test.each<[object, string, string]>([
    [{}, 'subject_required', 'subject'],
    [{ subject: 5 }, 'field_invalid', 'subject'],
    [{ subject: 'Hi', port: '25' }, 'port_invalid', 'port'],
    [{ subject: 'Hi', limits: { perHour: 1.5 } }, 'limit_invalid', 'limits.perHour'],
    [{ subject: 'Hi', limits: { perHuor: 1 } }, 'unknown_field', 'limits.perHuor'],
    [{ subject: 'Hi', list: [{ name: 'a' }, {}] }, 'name_required', 'list.1.name'],
    [{ subject: 'Hi', list: [{ name: 'a', nmae: 'b' }] }, 'unknown_field', 'list.0.nmae'],
  ])('%j → %s at %s', (value, code, field) => {
    expect(refusal(value)).toMatchObject({ code, field, status: 422 });
  });

  test('and the sentence of the schema is the one that is read', () => {
    expect(refusal({ subject: 'Hi', port: 'x' }).message).toBe('The port is a number.');
  });
});

describe('an unknown field', () => {
  test('is refused with a suggestion where that is the rule', () => {
    expect(refusal({ subjct: 'Hi' })).toMatchObject({
      code: 'unknown_field',
      field: 'subjct',
      message: 'The field subjct is unknown. Did you mean subject?',
      detail: { suggestion: 'subject' },
    });
    expect(refusal({ subject: 'Hi', other: 1 })).toMatchObject({
      message: 'The field other is unknown.',
      detail: undefined,
    });
  });

  test('is reported and dropped where that is the rule', () => {
    expect(validate(body, { subject: 'Hi', campaign: 'x' }, 'warn')).toEqual({
      value: { subject: 'Hi' },
      warnings: ['The field campaign is unknown and was ignored.'],
    });
  });

  test.each(['sendAT', 'send_at', 'SendAt', 'send-at', 'sendat', 'varibles', 'subjekt'])(
    'that is nearly a known one is refused even there: %s',
    (name) => {
      expect(refusal({ subject: 'Hi', [name]: 'x' }, 'warn')).toMatchObject({
        code: 'unknown_field',
        field: name,
      });
    },
  );

  test('is kept where every key is welcome', () => {
    const open = z.looseObject({ email: z.string() });
    const value = { email: 'ann@example.org', emial: 'x', plan: 'gold' };
    expect(validate(open, value, 'keep')).toEqual({ value, warnings: [] });
  });

  test('is shown without what could disturb a terminal or a log', () => {
    const error = refusal({ subject: 'Hi', '\u001b[31m\n': 1 });
    expect(error.message).not.toMatch(/[^\x20-\x7e]/);
    expect(refusal({ subject: 'Hi', ['x'.repeat(500)]: 1 }).message.length).toBeLessThan(150);
  });

  test.each(['__proto__', 'constructor', 'toString'])('%s is one like any other', (name) => {
    const value = JSON.parse(`{"subject": "Hi", "${name}": {"a": 1}}`);
    expect(refusal(value)).toMatchObject({ code: 'unknown_field', field: name });
  });
});

describe('the character U+0000', () => {
  test.each<[object, string]>([
    [{ subject: 'a\0b' }, 'subject'],
    [{ messages: [{ text: 'a' }, { variables: { name: '\0' } }] }, 'messages.1.variables.name'],
    [{ variables: { 'a\0b': 1 } }, 'variables.a?b'],
  ])('is refused wherever it stands: %j', (value, field) => {
    expect(() => refuseNul(value)).toThrow(
      expect.objectContaining({ code: 'control_character', status: 422, field }),
    );
  });

  test('other texts and values pass', () => {
    expect(() => refuseNul({ a: ['\u0001', 0, null, true, { b: '\\u0000' }] })).not.toThrow();
  });
});
