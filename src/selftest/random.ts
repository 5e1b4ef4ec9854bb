/** A whole number, both ends included. `random` gives from 0 to 1. */
export function between(random: () => number, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[between(random, 0, list.length - 1)]!;
}
