import type { FakeServer } from '../../src/demo-smtp/server.ts';

/** How often each message arrived, by the receiving server's own record. */
export function copiesOf(server: FakeServer): Map<string, number> {
  const counted = new Map<string, number>();
  for (const { xId } of server.ledger) counted.set(xId!, (counted.get(xId!) ?? 0) + 1);
  return counted;
}

/** A small seeded generator (Park and Miller), so that a failure can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
