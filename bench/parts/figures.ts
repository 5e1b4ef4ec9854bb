/** What was measured: for each row its value in every round. */
export class Figures {
  readonly #values = new Map<string, number[]>();
  readonly units = new Map<string, string>();
  /** Sentences about a row, or about a row that could not be measured. */
  readonly notes: string[] = [];

  add(row: string, value: number, unit: string): void {
    const values = this.#values.get(row) ?? [];
    values.push(value);
    this.#values.set(row, values);
    this.units.set(row, unit);
  }

  note(sentence: string): void {
    if (!this.notes.includes(sentence)) this.notes.push(sentence);
  }

  get rows(): string[] {
    return [...this.#values.keys()];
  }

  values(row: string): readonly number[] {
    return this.#values.get(row) ?? [];
  }

  /** Round by round, so that both sides saw the same machine. Empty when a side was not measured. */
  ratios(above: string, below: string): number[] {
    const under = this.values(below);
    return this.values(above).flatMap((value, at) => (under[at] ? [value / under[at]] : []));
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}
