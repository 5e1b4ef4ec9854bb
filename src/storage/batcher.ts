/** Entries of one group: enough to fill a flush, few enough that none waits long. */
const MAX_GROUP = 500;

interface Waiting<Entry, Result> {
  entry: Entry;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

/**
 * Gathers what is asked for within one turn of the event loop, and while the group before is being written, into
 * groups that share a transaction and its flush. Groups are written one after the other: what was asked for first
 * commits first, or together. Nothing waits for a timer: alone, an entry has its own commit; under load many share
 * one. A group that fails is tried again one by one, so that one bad entry never takes others with it.
 */
export class Batcher<Entry, Result> {
  readonly #write: (entries: readonly Entry[], again: boolean) => Promise<readonly Result[]>;
  readonly #gather: () => Promise<void>;
  #waiting: Waiting<Entry, Result>[] = [];
  #running: Promise<void> | undefined;

  /**
   * `write` stores a group in one transaction and gives a result for each, in order; `again` when the group failed
   * before. A group is closed when `gather` resolves.
   */
  constructor(
    write: (entries: readonly Entry[], again: boolean) => Promise<readonly Result[]>,
    gather: () => Promise<void> = async () => {},
  ) {
    this.#write = write;
    this.#gather = gather;
  }

  add(entry: Entry): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    await new Promise((turn) => setImmediate(turn));
    while (this.#waiting.length > 0) {
      await this.#gather();
      const group = this.#waiting.splice(0, MAX_GROUP);
      await this.#writeGroup(group).catch((error) => this.#oneByOne(group, error));
    }
    this.#running = undefined;
  }

  async #writeGroup(group: readonly Waiting<Entry, Result>[], again = false): Promise<void> {
    const results = await this.#write(
      group.map((one) => one.entry),
      again,
    );
    for (const [at, one] of group.entries()) one.resolve(results[at]!);
  }

  async #oneByOne(group: readonly Waiting<Entry, Result>[], error: unknown): Promise<void> {
    if (group.length === 1) return group[0]!.reject(error);
    for (const one of group) await this.#writeGroup([one], true).catch(one.reject);
  }
}
