import { expect, test } from 'vitest';
import { Rest } from './memory.ts';

const MB = 1024 * 1024;

test('a thread at rest gives memory back where work has left enough behind', () => {
  let heap = 20 * MB;
  const rest = new Rest(() => heap);
  rest.gaveBack();
  expect(rest.isWorthIt(0), 'nothing was used since').toBe(false);
  heap = 60 * MB;
  expect(rest.isWorthIt(0.5), 'it is at work').toBe(false);
  expect(rest.isWorthIt(0.001)).toBe(true);
});

test('what is needed after all is not looked through again and again', () => {
  let heap = 60 * MB;
  const rest = new Rest(() => heap);
  expect(rest.isWorthIt(0)).toBe(true);
  heap = 50 * MB;
  rest.gaveBack();
  expect(rest.isWorthIt(0)).toBe(false);
});
