import { describe, expect, test } from 'vitest';
import { chooseServer, type Wanted } from './route.ts';
import type { Health, Server } from './server.ts';
import { makeServer } from './testing.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const WAITING: Health = {
  failures: 1,
  waitingUntil: NOON + 60_000,
  code: 'server_busy',
  reason: 'It is busy.',
};

const A = makeServer({ id: 'srv_a', name: 'A' });
const B = makeServer({ id: 'srv_b', name: 'B' });
const C = makeServer({ id: 'srv_c', name: 'C' });
const unwell = (server: Server): Server => ({ ...server, health: WAITING });

const wanted = (changed: Partial<Wanted> = {}): Wanted => ({
  seed: 'msg_1',
  from: 'shop@example.com',
  pinned: null,
  preferred: null,
  failover: 'strict',
  live: true,
  ...changed,
});
const choose = (servers: Server[], changed: Partial<Wanted> = {}, now = NOON) =>
  chooseServer(servers, wanted(changed), now);
const reasonsOf = (choice: ReturnType<typeof choose>, id: string) =>
  choice.candidates.find((one) => one.server === id)!.reasons;

describe('the draw', () => {
  const DRAWS = 10_000;

  test('is uniform: of 10,000 messages each of three servers gets a third', () => {
    const counts = new Map<string, number>();
    for (let at = 0; at < DRAWS; at++) {
      const { chosen } = choose([A, B, C], { seed: `msg_${at}` });
      counts.set(chosen!, (counts.get(chosen!) ?? 0) + 1);
    }
    // Five standard deviations of a binomial draw: a fair one falls outside once in a million runs.
    const spread = 5 * Math.sqrt((DRAWS * 2) / 9);
    expect([...counts.keys()].sort()).toEqual(['srv_a', 'srv_b', 'srv_c']);
    for (const count of counts.values()) expect(Math.abs(count - DRAWS / 3)).toBeLessThan(spread);
  });

  test('is the same each time for one message, in whatever order the servers come', () => {
    for (let at = 0; at < 50; at++) {
      const seed = `msg_${at}`;
      expect(choose([C, A, B], { seed }).chosen).toBe(choose([A, B, C], { seed }).chosen);
    }
  });

  test('moves only the messages of a server that leaves', () => {
    for (let at = 0; at < 200; at++) {
      const seed = `msg_${at}`;
      const before = choose([A, B, C], { seed });
      const after = choose([A, B], { seed });
      expect(after.chosen).toBe(before.chosen === 'srv_c' ? before.ifFirstFails : before.chosen);
    }
  });

  test('names who would be next', () => {
    const { chosen, ifFirstFails, mode } = choose([A, B, C]);
    expect(mode).toBe('random');
    expect(ifFirstFails).not.toBe(chosen);
    expect(ifFirstFails).not.toBeNull();
    expect(choose([A])).toMatchObject({ chosen: 'srv_a', ifFirstFails: null });
  });

  test('leaves out who waits, until the wait is over', () => {
    for (let at = 0; at < 50; at++) {
      const choice = choose([A, unwell(B)], { seed: `msg_${at}` });
      expect(choice.chosen).toBe('srv_a');
      expect(reasonsOf(choice, 'srv_b')).toEqual([expect.stringContaining('It is busy.')]);
    }
    const later = Array.from({ length: 50 }, (_, at) =>
      choose([A, unwell(B)], { seed: `msg_${at}` }, NOON + 60_000),
    );
    expect(later.map((choice) => choice.chosen)).toContain('srv_b');
  });

  test('takes one that waits when all wait: the message stands in its lane', () => {
    expect(choose([unwell(A)])).toMatchObject({ chosen: 'srv_a', mode: 'random' });
  });

  test('leaves out who turned this message down, while there is another', () => {
    for (let at = 0; at < 50; at++)
      expect(choose([A, B, unwell(C)], { seed: `msg_${at}`, tried: ['srv_a'] }).chosen).toBe('srv_b');
    expect(choose([A], { tried: ['srv_a'] }).chosen).toBe('srv_a');
  });
});

describe('a From that a server may not send', () => {
  const OWN = makeServer({ id: 'srv_own', name: 'Own', allowedFrom: ['@example.com', 'ann@example.org'] });

  test.each([
    ['shop@example.com', true],
    ['Shop@EXAMPLE.com', true],
    ['ann@example.org', true],
    ['bob@example.org', false],
    ['shop@mail.example.com', false],
    ['shop@notexample.com', false],
  ])('%s: %s', (from, allowed) => {
    const choice = choose([OWN], { from });
    expect(choice.chosen).toBe(allowed ? 'srv_own' : null);
    if (!allowed) {
      expect(choice).toMatchObject({ mode: 'none', reason: 'no_server' });
      expect(choice.candidates[0]).toMatchObject({
        eligible: false,
        reasons: [`It is not allowed to send as ${from}.`],
      });
    }
  });
});

test('a server that takes less than the message has is left out', () => {
  const small = makeServer({ id: 'srv_small', capabilities: { size: 1_000 } });
  expect(choose([small], { size: 1_000 }).chosen).toBe('srv_small');
  const choice = choose([small, A], { size: 1_001 });
  expect(choice.chosen).toBe('srv_a');
  expect(reasonsOf(choice, 'srv_small')).toEqual([
    'The message has 1001 bytes; this server takes at most 1000.',
  ]);
});

describe('a preferred server', () => {
  test('is always the one, whatever the draw', () => {
    for (let at = 0; at < 50; at++)
      expect(choose([A, B, C], { seed: `msg_${at}`, preferred: 'srv_b' })).toMatchObject({
        chosen: 'srv_b',
        mode: 'preferred',
        ifFirstFails: null,
      });
  });

  test('that is gone leaves the choice to the draw', () => {
    expect(choose([A], { preferred: 'srv_gone' })).toMatchObject({ chosen: 'srv_a', mode: 'random' });
  });

  test.each<[string, Server[], Partial<Wanted>, string | null, string]>([
    ['strict waits for it', [A, unwell(B)], { failover: 'strict' }, 'srv_b', 'preferred'],
    ['any leaves it while it waits', [A, unwell(B)], { failover: 'any' }, 'srv_a', 'random'],
    ['any keeps it while it is well', [A, B], { failover: 'any' }, 'srv_b', 'preferred'],
    [
      'strict stays after it turned the message down',
      [A, B],
      { failover: 'strict', tried: ['srv_b'] },
      'srv_b',
      'preferred',
    ],
    ['any leaves it then', [A, B], { failover: 'any', tried: ['srv_b'] }, 'srv_a', 'random'],
    ['any takes it again when nobody else is there', [unwell(B)], { failover: 'any' }, 'srv_b', 'random'],
    [
      'strict goes nowhere else when it may not send this From',
      [A, { ...B, allowedFrom: ['@example.net'] }],
      { failover: 'strict' },
      null,
      'none',
    ],
    ['any does', [A, { ...B, allowedFrom: ['@example.net'] }], { failover: 'any' }, 'srv_a', 'random'],
  ])('%s', (_, servers, changed, chosen, mode) => {
    expect(choose(servers, { preferred: 'srv_b', ...changed })).toMatchObject({ chosen, mode });
  });

  test('any names who takes over', () => {
    expect(choose([A, B], { preferred: 'srv_b', failover: 'any' }).ifFirstFails).toBe('srv_a');
  });
});

describe('a server that the caller named', () => {
  test('is the only one, unwell or preferred elsewhere', () => {
    const choice = choose([A, unwell(B)], { pinned: 'srv_b', preferred: 'srv_a' });
    expect(choice).toMatchObject({ chosen: 'srv_b', mode: 'preferred', ifFirstFails: null });
    expect(reasonsOf(choice, 'srv_a')).toEqual(['The message names another server.']);
  });

  test('and is gone: the message waits, and says why', () => {
    expect(choose([A], { pinned: 'srv_gone' })).toMatchObject({
      chosen: null,
      mode: 'none',
      reason: 'server_deleted',
    });
  });

  test('and may not send this From: the message waits', () => {
    const own = makeServer({ id: 'srv_own', allowedFrom: ['@example.net'] });
    expect(choose([own], { pinned: 'srv_own' })).toMatchObject({ chosen: null, reason: 'no_server' });
  });
});

test('a message of the sandbox goes to no server', () => {
  expect(choose([A, B], { live: false, preferred: 'srv_a' })).toMatchObject({
    chosen: null,
    mode: 'sandbox',
  });
});

test('without any server the message waits', () => {
  expect(choose([])).toEqual({
    chosen: null,
    mode: 'none',
    candidates: [],
    ifFirstFails: null,
    reason: 'no_server',
  });
});
