/** What came into the lanes of a workspace since the last look. */
interface Arrivals {
  /** Transactions that will add to it. */
  underWay: number;
  /** How many looks had begun when the last of them was over: only a later one has seen it. */
  afterLook: number;
  /** When the first of it was due, ms. */
  since: number;
}

/**
 * Knows since when something of a workspace waits in the database for its first turn, so that what is handed over
 * overtakes nothing. What was found at a look holds until the lane is emptied, what came in since until a look has seen
 * it.
 */
export class ClearLanes {
  #looks = 0;
  #found = new Map<string, number>();
  readonly #arrivals = new Map<string, Arrivals>();

  /** A look at the queue begins; `found` is to follow. */
  lookBegins(): void {
    this.#looks++;
  }

  /** @param since for each workspace of which something waits, when the first of it was due */
  found(since: ReadonlyMap<string, number>): void {
    this.#found = new Map(since);
    for (const [id, { underWay, afterLook }] of this.#arrivals)
      if (underWay === 0 && afterLook < this.#looks) this.#arrivals.delete(id);
  }

  /** All that the look had found of a workspace was claimed. */
  emptied(workspaceId: string): void {
    this.#found.delete(workspaceId);
  }

  /** A transaction begins that adds to the lane of a workspace; `arrived` is to follow, whatever becomes of it. */
  arrives(workspaceId: string, since: number): void {
    const known = this.#arrivals.get(workspaceId) ?? { underWay: 0, afterLook: this.#looks, since };
    known.underWay++;
    known.since = Math.min(known.since, since);
    this.#arrivals.set(workspaceId, known);
  }

  arrived(workspaceId: string): void {
    const known = this.#arrivals.get(workspaceId);
    if (!known) return;
    known.underWay--;
    known.afterLook = this.#looks;
  }

  /** When the first that may wait there was due; infinity when nothing does. */
  waitingSince(workspaceId: string): number {
    const { since = Number.POSITIVE_INFINITY } = this.#arrivals.get(workspaceId) ?? {};
    return Math.min(this.#found.get(workspaceId) ?? Number.POSITIVE_INFINITY, since);
  }

  isClear(workspaceId: string): boolean {
    return this.waitingSince(workspaceId) === Number.POSITIVE_INFINITY;
  }

  /** It may be clear, and a look would tell. */
  needsLook(workspaceId: string): boolean {
    return !this.#found.has(workspaceId) && this.#arrivals.get(workspaceId)?.underWay === 0;
  }
}
