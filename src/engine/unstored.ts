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
  readonly #storedSoFar: () => number;

  /** @param storedSoFar how often the database has taken anything */
  constructor(storedSoFar: () => number) {
    this.#storedSoFar = storedSoFar;
  }

  add(turn: Turn): void {
    const known = this.#failed.get(turn);
    const storedBefore = this.#storedSoFar();
    if (known?.storedBefore === storedBefore) return; // nothing says that the database is there
    this.#failed.set(turn, { failures: (known?.failures ?? 0) + 1, storedBefore });
  }

  stored(turns: readonly Turn[]): void {
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
