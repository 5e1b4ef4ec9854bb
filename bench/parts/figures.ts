/** What was measured: for each row its value in every round. */
export class Figures {
  readonly #values = new Map<string, Map<number, number>>();
  readonly units = new Map<string, string>();
  /** Sentences about a row, or about a row that could not be measured. */
  readonly notes: string[] = [];
  round = 1;

  add(row: string, value: number, unit: string): void {
    const values = this.#values.get(row) ?? new Map<number, number>();
    this.#values.set(row, values.set(this.round, value));
    this.units.set(row, unit);
  }

  note(sentence: string): void {
    if (!this.notes.includes(sentence)) this.notes.push(sentence);
  }

  get rows(): string[] {
    return [...this.#values.keys()];
  }

  values(row: string): readonly number[] {
    return [...(this.#values.get(row)?.values() ?? [])];
  }

  /** Round by round, so that both sides saw the same machine. Empty when a side was not measured. */
  ratios(above: string, below: string): number[] {
    const under = this.#values.get(below);
    return [...(this.#values.get(above) ?? [])].flatMap(([round, value]) => {
      const other = under?.get(round);
      return other ? [value / other] : [];
    });
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
