import type { Turn } from './next-state.ts';

/**
 * An outcome that fails so often, each time after something else was stored, is itself at fault, and not the database:
 * it holds up nobody any longer.
 */
const FAULTY_AFTER = 3;

interface Failed {
  failures: number;
  /** How often anything had been stored at its last failure that counted. */
  storedBefore: number;
}

/** Outcomes that could not be stored and are tried again: which of them no marker may overtake. */
export class Unstored {
  readonly #failed = new Map<Turn, Failed>();
  #stored = 0;

  add(turn: Turn): void {
    const known = this.#failed.get(turn);
    if (known?.storedBefore === this.#stored) return; // nothing says that the database is there
    this.#failed.set(turn, { failures: (known?.failures ?? 0) + 1, storedBefore: this.#stored });
  }

  /** A transaction was committed; these were in it. */
  stored(turns: readonly Turn[]): void {
    this.#stored++;
    for (const turn of turns) this.#failed.delete(turn);
  }

  remove(turn: Turn): void {
    this.#failed.delete(turn);
  }

  /** @param besides outcomes that would be stored together with the markers */
  holdsUpMarkers(besides: readonly Turn[]): boolean {
    for (const [turn, { failures }] of this.#failed)
      if (failures < FAULTY_AFTER && !besides.includes(turn)) return true;
    return false;
  }
}
