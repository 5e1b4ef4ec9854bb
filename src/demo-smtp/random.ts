/** A small seeded generator (Park and Miller), so that a run can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** A whole number, both ends included. `random` gives from 0 to 1. */
export function between(random: () => number, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[between(random, 0, list.length - 1)]!;
}
