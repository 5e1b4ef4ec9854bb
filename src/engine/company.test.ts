import { expect, test } from 'vitest';
import { Company } from './company.ts';

const AN_HOUR = 3_600_000;

/** After a write that took an hour, with dots of two claims out. */
function expectingTwo(): { company: Company; isReady: () => boolean } {
  const company = new Company(AN_HOUR);
  company.wrote(AN_HOUR);
  company.left(['one', 'two']);
  let ready = false;
  void company.gather().then(() => {
    ready = true;
  });
  return { company, isReady: () => ready };
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
};

test('a group waits until all whose dots are out are back, and for the markers they bring', async () => {
  const { company, isReady } = expectingTwo();
  company.back('one');
  await turns(5);
  expect(isReady()).toBe(false);
  company.back('two');
  expect(isReady()).toBe(false);
  await turns(3);
  expect(isReady()).toBe(true);
});

test('nobody waits for nobody', async () => {
  const company = new Company(AN_HOUR);
  company.wrote(AN_HOUR);
  await company.gather();
  company.left(['one']);
  company.back('one');
  await company.gather();
});

test('who does not come back within the time of a write is not waited for again', async () => {
  const company = new Company(AN_HOUR);
  company.left(['slow']);
  company.wrote(1);
  await company.gather();
  company.wrote(AN_HOUR);
  await company.gather();
});

test('where two groups may be under way, half of them are enough', async () => {
  const company = new Company(AN_HOUR, AN_HOUR);
  company.wrote(AN_HOUR);
  company.left(['one', 'two', 'three', 'four']);
  let ready = false;
  void company.gather(0, 2).then(() => {
    ready = true;
  });
  company.back('one');
  await turns(5);
  expect(ready).toBe(false);
  company.back('two');
  await turns(3);
  expect(ready).toBe(true);
});

test('on a slow disk nobody waits where another group may be under way', async () => {
  const company = new Company(AN_HOUR, 2);
  company.wrote(3);
  company.left(['one']);
  await company.gather(0, 2);
});

test.each([
  ['quick', 1, ['turn', 'group']],
  ['slow', 3, ['group', 'turn']],
])('on a %s disk a group begins when all have asked who ask now', async (_, writeMs, order) => {
  const company = new Company(AN_HOUR, 2);
  company.wrote(writeMs);
  const seen: string[] = [];
  setImmediate(() => seen.push('turn'));
  const asked: string[] = [];
  company.soon(() => {
    expect(asked).toEqual(['outcome', 'marker']);
    seen.push('group');
  }, 2);
  await Promise.resolve().then(() => asked.push('outcome'));
  await Promise.resolve().then(() => asked.push('marker'));
  await turns(2);
  expect(seen).toEqual(order);
});
