import type { FakeServer } from '../../src/demo-smtp/server.ts';

/** How often each message arrived, by the receiving server's own record. */
export function copiesOf(server: FakeServer): Map<string, number> {
  const counted = new Map<string, number>();
  for (const { xId } of server.ledger) counted.set(xId!, (counted.get(xId!) ?? 0) + 1);
  return counted;
}
