import { iso } from '../clock.ts';
import { takeTokens } from '../servers/pace.ts';
import type { Server } from '../servers/server.ts';
import type { Db } from '../storage/db.ts';

/** Credit that was kept for longer is given back: saved up, it would let messages go faster than the server takes them. */
const FRESH_MS = 50;
/** A timer wakes the worker for credit that comes this soon. Its poll finds what comes later. */
const SOON_MS = 1_000;
/** Who waits for longer is told until when. Below, the sentence would be old before anybody has read it. */
const LONG_WAIT_MS = 60_000;

interface Credit {
  left: number;
  takenAt: number;
  /** Before this, asking again is no use. */
  nextAt: number;
  /** Which version of the server it was asked for: changed limits hold at once. */
  version: number;
}

/**
 * How many messages may go to each paced server now: this worker's share of what all of them may send together
 * (servers/pace.ts). A few at a time, so that little is unused, and a server without any limit is never asked for.
 */
export class Permits {
  readonly #db: Db;
  readonly #onCredit: () => void;
  readonly #credits = new Map<string, Credit>();
  /** Claims from a server's own lane (`claimKey`), with the server their credit is for. */
  readonly #reserved = new Map<string, string>();

  /** @param onCredit told when it is worth asking again */
  constructor(db: Db, onCredit: () => void) {
    this.#db = db;
    this.#onCredit = onCredit;
  }

  /** The credit at a paced server; takes some from the database where it is used up and there may be more. */
  async ask(server: Server, now: number): Promise<number> {
    const found = this.#credits.get(server.id);
    const known = found?.version === server.updatedAt ? found : undefined;
    if (known && known.left > 0 && now - known.takenAt <= FRESH_MS) return known.left;
    if (known && known.left === 0 && now < known.nextAt) return 0;
    const unused = known && { count: known.left, takenAt: known.takenAt };
    const credit: Credit = { left: 0, takenAt: now, nextAt: now, version: server.updatedAt };
    this.#credits.set(server.id, credit);
    const wanted = server.maxConnections;
    const { granted, nextAt } = await this.#db.write((tx) => takeTokens(tx, server.id, wanted, now, unused));
    credit.left += granted;
    credit.nextAt = nextAt ?? now;
    const wait = credit.nextAt - now;
    if (wait > 0 && wait <= SOON_MS) setTimeout(this.#onCredit, wait).unref();
    return credit.left;
  }

  /** Keeps credit for messages that were claimed from the lane of their server: no other message takes it from them. */
  reserve(serverId: string, claims: readonly string[]): void {
    for (const claim of claims) if (this.#takeOne(serverId)) this.#reserved.set(claim, serverId);
  }

  /** Uses one for a message. @returns false when there is none: then it must not go */
  spend(serverId: string, claim: string): boolean {
    if (this.#reserved.get(claim) !== serverId) return this.#takeOne(serverId);
    return this.#reserved.delete(claim);
  }

  /** The turn of a message is over. What it did not use is for others. */
  release(claim: string): void {
    const credit = this.#credits.get(this.#reserved.get(claim) ?? '');
    if (credit) credit.left++;
    this.#reserved.delete(claim);
  }

  waitsLong(serverId: string, now: number): boolean {
    return (this.#credits.get(serverId)?.nextAt ?? 0) - now > LONG_WAIT_MS;
  }

  /** Why a message has to wait, for people. */
  reason({ id, name }: Server, now: number): string {
    return this.waitsLong(id, now)
      ? `The limit of ${name} is used up until ${iso(this.#credits.get(id)!.nextAt)}.`
      : `It waits for its turn at ${name}, whose limits allow no more right now.`;
  }

  #takeOne(serverId: string): boolean {
    const credit = this.#credits.get(serverId);
    if (!credit || credit.left === 0) return false;
    credit.left--;
    return true;
  }
}
