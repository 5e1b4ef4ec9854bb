const SECOND = 1_000;
const WINDOW_S = 10;

/** How many messages a second each server accepted from this process lately: what it can take, when it says that it was too much. */
export class Meter {
  /** Per server, acceptances by second: those of the window, oldest first. */
  readonly #counts = new Map<string, Map<number, number>>();

  add(serverId: string, now: number): void {
    const second = Math.floor(now / SECOND);
    const counts = this.#counts.get(serverId) ?? new Map<number, number>();
    counts.set(second, (counts.get(second) ?? 0) + 1);
    for (const old of counts.keys()) if (old <= second - WINDOW_S) counts.delete(old);
    this.#counts.set(serverId, counts);
  }

  /** Since the first of the window, so that a server that just began is not taken for a slow one; null without any. */
  perSecond(serverId: string, now: number): number | null {
    const second = Math.floor(now / SECOND);
    const recent = [...(this.#counts.get(serverId) ?? [])].filter(([at]) => at > second - WINDOW_S);
    if (recent.length === 0) return null;
    const sum = recent.reduce((total, [, count]) => total + count, 0);
    return sum / Math.max(1, second - recent[0]![0] + 1);
  }
}
