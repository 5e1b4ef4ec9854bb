import { expect, test } from 'vitest';
import { variablesOf } from './samples.ts';

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

test('dotted names become objects, in whatever order they stand', () => {
  const samples = { 'user.name': 'Ada', user: 'x', 'user.address.city': 'London' };
  expect(plain(variablesOf(samples, new Set()))).toEqual({
    user: { name: 'Ada', address: { city: 'London' } },
  });
});

test('empty samples are left out, so that fallbacks show', () => {
  expect(plain(variablesOf({ name: '', city: ' ' }, new Set()))).toEqual({ city: ' ' });
});

test('a section takes JSON; everything else stays text', () => {
  const samples = { items: '[{"name":"Pen"}]', paid: 'true', count: '3', note: 'not [json' };
  expect(plain(variablesOf(samples, new Set(['items', 'paid', 'note'])))).toEqual({
    items: [{ name: 'Pen' }],
    paid: true,
    count: '3',
    note: 'not [json',
  });
});

test('a name like __proto__ is a name', () => {
  const variables = variablesOf({ '__proto__.polluted': 'x' }, new Set());
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(Object.keys(variables)).toEqual(['__proto__']);
});
